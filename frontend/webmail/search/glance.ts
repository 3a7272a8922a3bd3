// The drop-down of the search bar: narrower searches as chips, people, and the first hits, while the user types (WEBMAIL-73).

import type { Client, MessageItem, Party } from "../../gen/webmail";
import { keyText } from "../../lib/commands";
import { hue, initials } from "../../lib/disc";
import { el, fill, isolated, sign } from "../../lib/dom";
import { bookmark, search as glass, slidersHorizontal } from "../../lib/icons";
import { attempt } from "../../lib/dialogs";
import { released } from "../../lib/press";
import type { toast } from "../../lib/toasts";
import { t } from "../../lib/words";
import type { AllSettings } from "../state/settings";
import { bareAddress, shortAddress, shortTime } from "../ui/format";
import { marked } from "../ui/marks";
import type { Mail } from "../state/mail";
import type { SearchBar } from "../ui/searchbar";
import { type Token, parse, tokens, write } from "./grammar";

/** Milliseconds after the last key until the server is asked. */
const pause = 120;
const mostPeople = 3;

/** The calls and actions of the drop-down. */
export interface Glanced {
  readonly client: Pick<Client, "search_glance" | "complete_recipient" | "settings_save">;
  settings(): AllSettings;
  readonly say: typeof toast;
  /** Open a hit in its mailbox. */
  open(item: MessageItem): void;
}

let number = 0;

/** The drop-down of one search bar. */
export class Glance {
  readonly root = el("div", { class: "glance" });
  private readonly id = `glance-${++number}`;
  private readonly chips = el("div", { class: "glance-chips" });
  private readonly list = el("div", { role: "listbox", id: this.id, "aria-label": t("Suggestions") });
  private readonly people = el("div", { role: "group", "aria-label": t("People") });
  private readonly hits = el("div", { role: "group", "aria-label": t("Messages") });
  private readonly last = el("div", { role: "group", "aria-label": t("Search") });
  private at = -1;
  private timer = 0;
  /** Number of the last question: answers to earlier ones are dropped. */
  private turn = 0;

  constructor(
    private readonly bar: SearchBar,
    private readonly mail: Mail,
    private readonly owner: Glanced,
    /** Show the form with all criteria. */
    private readonly more: () => void,
  ) {
    const { input } = bar;
    for (const [name, value] of Object.entries({
      role: "combobox",
      "aria-expanded": "true",
      "aria-controls": this.id,
      "aria-autocomplete": "list",
    }))
      input.setAttribute(name, value);
    fill(this.list, this.people, this.hits, this.last);
    fill(this.root, this.chips, this.list);
    input.addEventListener("input", () => this.typed());
    input.addEventListener("keydown", (event) => this.key(event));
    this.typed();
  }

  /** Draw what is known at once, and ask for the rest in a moment. */
  typed(): void {
    clearTimeout(this.timer);
    const text = this.bar.input.value.trim();
    this.turn++;
    this.drawChips();
    this.drawLast(text);
    if (text === "") {
      fill(this.people);
      fill(this.hits);
    } else this.timer = window.setTimeout(() => void this.ask(text), pause);
    this.point(-1);
  }

  /** Save the search into the side bar (WEBMAIL-127). */
  private async save(text: string): Promise<void> {
    const saved = this.owner.settings().searches;
    if (!saved.some((one) => one.text === text)) {
      const searches = [...saved, { name: text.slice(0, 200), text }];
      if (
        !(await attempt(t("Saving…"), t("Couldn't save search"), () => this.owner.client.settings_save({ searches })))
      )
        return;
    }
    this.bar.submit();
    this.owner.say(t("Search saved under your folders."));
  }

  private async ask(text: string): Promise<void> {
    const turn = this.turn;
    const { query, needles } = parse(
      text,
      this.mail.mailboxes.value,
      new Date(),
      this.mail.settings.value.labels,
      this.mail.facts.value.login_address || undefined,
    );
    const word =
      tokens(text)
        .filter((token) => token.tag === "" || token.tag === "from" || token.tag === "to")
        .at(-1)?.value ?? "";
    const none: Party[] = [];
    const [items, parties] = await Promise.all([
      // suggestions are no reason to report a failure
      this.owner.client.search_glance({ ...query, threading: "off" }).catch((): MessageItem[] => []),
      word === ""
        ? none
        : this.owner.client.complete_recipient(word).then(
            (found) => found.parties,
            () => none,
          ),
    ]);
    await released(this.list);
    if (turn !== this.turn) return;
    const chosen = this.options()[this.at]?.textContent;
    this.drawPeople(people(items, parties, word), needles);
    this.drawHits(items, needles);
    // What the user has chosen among earlier hits stays chosen.
    this.point(chosen === undefined ? -1 : this.options().findIndex((one) => one.textContent === chosen));
  }

  private drawChips(): void {
    const { input } = this.bar;
    const all = tokens(input.value);
    const words = all.filter((token) => token.tag === "" && !token.not && token.unknown === undefined);
    const rewrite = (next: readonly Token[]) => {
      input.value = write(next) + (next.length > 0 ? " " : "");
      input.focus();
      input.dispatchEvent(new Event("input"));
    };
    const toggle = (label: string, tag: string, value: string) => {
      const on = (token: Token) => token.tag === tag && token.value.toLowerCase() === value.toLowerCase() && !token.not;
      const set = all.some(on);
      const next = set ? all.filter((token) => !on(token)) : [...all, { not: false, tag, value }];
      return el(
        "button",
        { type: "button", class: "glance-chip", "aria-pressed": String(set), onclick: () => rewrite(next) },
        label,
      );
    };
    const turned = (label: string, tag: string, word: Token) =>
      el(
        "button",
        {
          type: "button",
          class: "glance-chip",
          onclick: () => rewrite(all.map((token) => (token === word ? { ...token, tag } : token))),
        },
        el("span", { dir: "auto" }, label),
      );
    const here = this.mail.current.value;
    const box = here !== undefined && here.id > 0 ? here.name : undefined;
    // of several words, none is a person by itself
    const word = words.length === 1 ? words[0] : undefined;
    fill(
      this.chips,
      box !== undefined && toggle(t("In {name}", { name: box }), "mailbox", box),
      word !== undefined && [
        turned(t("From {name}", { name: isolated(word.value) }), "from", word),
        turned(t("To {name}", { name: isolated(word.value) }), "to", word),
      ],
      toggle(t("Has attachment"), "attachments", "any"),
      toggle(t("Last month"), "newer_than", "1m"),
      toggle(t("Unread"), "is", "unread"),
    );
  }

  private drawPeople(found: readonly Party[], needles: readonly string[]): void {
    const { input } = this.bar;
    fill(
      this.people,
      found.length > 0 && el("div", { class: "glance-head", "aria-hidden": "true" }, t("People")),
      found.map((one) =>
        this.option(
          "glance-person",
          () => {
            input.value = write([{ not: false, tag: "from", value: one.address }]);
            this.bar.submit();
          },
          disc(one.name || one.address, one.address),
          el(
            "span",
            { class: "glance-words", dir: "auto" },
            marked(isolated(one.name || one.address), needles),
            " ",
            one.name !== "" && el("span", { class: "glance-more" }, marked(isolated(one.address), needles)),
          ),
        ),
      ),
    );
  }

  private drawHits(items: readonly MessageItem[], needles: readonly string[]): void {
    fill(
      this.hits,
      items.length > 0 && el("div", { class: "glance-head", "aria-hidden": "true" }, t("Messages")),
      items.map((item) => {
        const [from] = item.from;
        const name = from === undefined ? t("(no address)") : isolated(shortAddress(from));
        return this.option(
          item.flags.includes("\\seen") ? "glance-hit" : "glance-hit unread",
          () => {
            this.bar.close();
            this.owner.open(item);
          },
          disc(name, from === undefined ? "" : bareAddress(from)),
          el(
            "span",
            { class: "glance-words" },
            el(
              "span",
              { class: "glance-subject", dir: "auto" },
              marked(isolated(item.subject) || t("(no subject)"), needles),
            ),
            el("span", { class: "glance-more", dir: "auto" }, `${name}: `, marked(isolated(item.preview), needles)),
          ),
          el("time", { datetime: item.received }, shortTime(item.received, Date.now())),
        );
      }),
    );
  }

  private drawLast(text: string): void {
    fill(
      this.last,
      text !== "" &&
        this.option(
          "glance-line",
          () => this.bar.submit(),
          sign(glass),
          el("span", { class: "glance-words" }, t("All results")),
          el("kbd", {}, keyText("Enter")),
        ),
      text !== "" &&
        this.option(
          "glance-line",
          () => void this.save(text),
          sign(bookmark),
          el("span", { class: "glance-words" }, t("Save search")),
        ),
      this.option(
        "glance-line",
        () => this.more(),
        sign(slidersHorizontal),
        el("span", { class: "glance-words" }, t("More search options")),
        el("kbd", {}, keyText("ctrl Enter")),
      ),
    );
  }

  private option(kind: string, run: () => void, ...children: Parameters<typeof fill>[1][]): HTMLElement {
    const root = el(
      "div",
      {
        role: "option",
        class: `glance-option ${kind}`,
        id: `${this.id}-${++number}`,
        "aria-selected": "false",
        onclick: run,
      },
      children,
    );
    // the caret stays in the bar
    root.addEventListener("mousedown", (event) => event.preventDefault());
    return root;
  }

  private options(): HTMLElement[] {
    return [...this.list.querySelectorAll<HTMLElement>("[role=option]")];
  }

  private point(at: number): void {
    const { input } = this.bar;
    this.at = at;
    const all = this.options();
    for (const [i, one] of all.entries()) one.setAttribute("aria-selected", String(i === at));
    const found = all[at];
    if (found === undefined) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", found.id);
      found.scrollIntoView({ block: "nearest" });
    }
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing || this.bar.form.hidden || !this.root.isConnected) return;
    const all = this.options();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined)
      this.point(this.at < 0 ? (step > 0 ? 0 : all.length - 1) : (this.at + step + all.length) % all.length);
    else if (event.key === "Enter" && event.ctrlKey) this.more();
    else if (event.key === "Enter" && this.at >= 0) all[this.at]!.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function disc(name: string, address: string): HTMLElement {
  return el(
    "span",
    { class: `disc glance-disc c${hue(address.toLowerCase())}`, "aria-hidden": "true" },
    initials(name),
  );
}

/** People whose name or address contains a word: those whom the user wrote to first, then senders of the hits. */
function people(items: readonly MessageItem[], written: readonly Party[], word: string): Party[] {
  const found = new Map<string, Party>();
  const needle = word.toLowerCase();
  const senders = items.flatMap((item) => item.from.map((one) => ({ name: one.name, address: bareAddress(one) })));
  for (const one of [...written, ...senders]) {
    const key = one.address.toLowerCase();
    if (!found.has(key) && needle !== "" && `${one.name} ${key}`.toLowerCase().includes(needle)) found.set(key, one);
  }
  return [...found.values()].slice(0, mostPeople);
}
