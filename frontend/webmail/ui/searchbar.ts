// The search bar. The drop-down below it and the grammar are in the part `search`.

import { el, sign } from "../../lib/dom";
import { search, x } from "../../lib/icons";
import { effect } from "../../lib/signal";
import { t } from "../../lib/words";
import type { Mail, Searching } from "../state/mail";

export interface SearchOwner {
  /** Search for the typed text; "" ends the search. */
  search(text: string): void;
  /** Open the drop-down below the bar. */
  open(bar: SearchBar): void;
  /** Write the progress of the search at `place`. */
  say(place: HTMLElement, searching: Searching): void;
  /** Move the focus to the list. */
  leave(): void;
}

export class SearchBar {
  readonly input = el("input", {
    class: "search-input",
    type: "search",
    maxlength: "1000",
    placeholder: t("Search mail"),
    "aria-label": t("Search mail"),
    "aria-describedby": "search-said",
    autocomplete: "off",
    spellcheck: "false",
    enterkeyhint: "search",
  });
  /** Container of the drop-down. */
  readonly form = el("div", { class: "search-form", hidden: true });
  /** The text of the search that is shown. */
  private shown = "";
  /** How many a search has found; in the head of the list. */
  readonly said = el("div", { class: "search-said", id: "search-said", role: "status" });
  /** What can't be searched for; filled by the part. */
  readonly problems = el("ul", { class: "search-problems", hidden: true });
  private readonly clear = el(
    "button",
    {
      class: "search-clear",
      type: "button",
      "aria-label": t("Close search"),
      title: t("Close search"),
      hidden: true,
    },
    sign(x, "i s"),
  );
  readonly root = el(
    "form",
    { class: "search", role: "search" },
    el("div", { class: "search-bar" }, sign(search, "i s"), this.input, this.clear),
    this.form,
  );

  constructor(
    private readonly mail: Mail,
    private readonly owner: SearchOwner,
  ) {
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("focus", () => owner.open(this));
    this.input.addEventListener("input", () => {
      this.clear.hidden = this.input.value === "";
      if (this.form.hidden) owner.open(this);
    });
    this.clear.addEventListener("click", () => this.end());
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      this.close();
      // what was typed and not searched for is gone
      this.fill(this.shown);
      mail.stopSearch();
      owner.leave();
    });
    document.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Node && !this.root.contains(event.target)) this.close();
    });
    this.root.addEventListener("focusout", (event) => {
      if (event.relatedTarget instanceof Node && !this.root.contains(event.relatedTarget)) this.close();
    });
    effect(() => this.draw());
  }

  /** Search for the text in the bar. */
  submit(): void {
    this.close();
    this.owner.search(this.input.value.trim());
    this.owner.leave();
  }

  /** Show the text of the search. */
  show(text: string): void {
    this.shown = text;
    this.fill(text);
    this.problems.hidden = true;
  }

  private fill(text: string): void {
    this.input.value = text;
    this.clear.hidden = text === "";
  }

  close(): void {
    this.form.hidden = true;
  }

  end(): void {
    this.show("");
    this.close();
    this.owner.search("");
  }

  private draw(): void {
    const searching = this.mail.searching.value;
    this.said.hidden = searching === null;
    if (searching !== null) this.owner.say(this.said, searching);
  }
}
