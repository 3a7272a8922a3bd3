// A field of recipients: each is a chip, the last one is being typed; addresses that were used before are suggested.

import type { Client, Party, Security } from "../../gen/webmail";
import { messageOf } from "../../lib/client";
import { el, fill, sign } from "../../lib/dom";
import { x } from "../../lib/icons";
import { t } from "../../lib/words";
import { formatParty, looksRight, parseParties } from "./parties";
import { type Ways, bars } from "./ways";

/** Milliseconds after the last key until suggestions are requested. */
const pause = 150;

export class Recipients {
  readonly input: HTMLInputElement;
  readonly root: HTMLElement;
  /** A press keeps the focus in the text: when the text is left, the chips are drawn anew, and the click would be lost. */
  private readonly chips = el("span", { class: "chips", onmousedown: (event) => event.preventDefault() });
  private readonly options: HTMLElement;
  private readonly hint = el("div", { class: "field-hint", role: "alert" });
  private list: Party[] = [];
  /** Suggestions; one without an address is a group of contacts. */
  private found: Party[] = [];
  /** All suggestions for the text in `exhausted`. */
  private all: readonly Party[] = [];
  /** Whether the chosen groups have come; false: one could not be asked for. */
  private groups: Promise<boolean> = Promise.resolve(true);
  private at = -1;
  private timer = 0;
  /** A text for which the server has no more suggestions. */
  private exhausted = "";

  constructor(
    readonly field: string,
    label: string,
    private readonly client: Client,
    private readonly changed: () => void,
    /** Lookup of the protection of mail, which is shown below each address; null: it is not shown. */
    private readonly ways: Ways | null,
  ) {
    const id = `compose-${field}-${Math.random().toString(36).slice(2)}`;
    this.options = el("div", {
      class: "completions",
      role: "listbox",
      id: `${id}-list`,
      "aria-label": t("Addresses"),
      hidden: true,
    });
    this.input = el("input", {
      id,
      class: "chip-input",
      role: "combobox",
      "aria-expanded": "false",
      "aria-controls": `${id}-list`,
      "aria-label": label,
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      inputmode: "email",
      oninput: () => this.typed(),
      onblur: () => {
        this.commit();
        this.close();
      },
      onkeydown: (event) => this.key(event),
      onpaste: (event) => this.pasted(event),
    });
    this.root = el(
      "div",
      { class: "compose-field", data: { field } },
      el("label", { for: id }, label),
      el(
        "div",
        { class: "chip-box", onclick: (event) => event.target === event.currentTarget && this.input.focus() },
        this.chips,
        this.input,
        this.options,
      ),
      this.hint,
    );
  }

  /** Recipients that are chips. */
  get entered(): readonly Party[] {
    return this.list;
  }

  get value(): Party[] {
    return [...this.list, ...parseParties(this.input.value)];
  }

  set value(parties: Party[]) {
    this.list = [...parties];
    this.input.value = "";
    this.draw();
  }

  /** Protection of mail to each of the recipients, null if it is not known. */
  security(): Promise<(Security | null)[]> {
    return Promise.all(
      this.value.map((party) =>
        this.ways !== null && looksRight(party.address) ? this.ways.ask(party.address).catch(() => null) : null,
      ),
    );
  }

  /** The first recipient without a valid address. */
  wrong(): Party | undefined {
    this.commit();
    return this.list.find((one) => !looksRight(one.address));
  }

  /** Show an error, and focus the field; "" clears it. */
  complain(text: string): void {
    fill(this.hint, text);
    if (text !== "") this.input.focus();
  }

  private commit(): void {
    if (this.input.value.trim() === "") return;
    this.list.push(...parseParties(this.input.value));
    this.input.value = "";
    this.draw();
    this.changed();
  }

  private draw(): void {
    this.complainNothing();
    fill(
      this.chips,
      this.list.map((party, i) =>
        el(
          "span",
          {
            class: looksRight(party.address) ? "chip" : "chip bad",
            title: looksRight(party.address)
              ? party.address
              : t("Invalid email address: {address}", { address: party.address }),
          },
          el("span", { class: "chip-name", dir: "auto", onclick: () => this.edit(i) }, party.name || party.address),
          this.ways !== null && looksRight(party.address) && bars(this.ways.ask(party.address)),
          el(
            "button",
            {
              type: "button",
              class: "chip-remove",
              "aria-label": t("Remove {name}", { name: formatParty(party) }),
              onclick: () => this.remove(i),
            },
            sign(x, "i s"),
          ),
        ),
      ),
    );
  }

  private complainNothing(): void {
    if (this.hint.textContent !== "") fill(this.hint);
  }

  private remove(i: number): void {
    this.list.splice(i, 1);
    this.draw();
    this.changed();
    this.input.focus();
  }

  private edit(i: number): void {
    this.commit();
    const [party] = this.list.splice(i, 1);
    this.draw();
    this.input.value = party === undefined ? "" : formatParty(party);
    this.input.focus();
    this.changed();
  }

  private pasted(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!/[,;\n]/.test(text)) return;
    event.preventDefault();
    this.input.value += text;
    this.commit();
  }

  private typed(): void {
    this.complainNothing();
    this.changed();
    clearTimeout(this.timer);
    if (/[,;]$/.test(this.input.value) && (this.input.value.match(/"/g) ?? []).length % 2 === 0) {
      this.commit();
      this.close();
      return;
    }
    const text = this.input.value.trim();
    if (text === "") this.close();
    else this.timer = window.setTimeout(() => void this.complete(text), pause);
  }

  private async complete(text: string): Promise<void> {
    if (this.exhausted !== "" && text.startsWith(this.exhausted)) {
      const needle = text.toLowerCase();
      this.found = this.all.filter((one) => formatParty(one).toLowerCase().includes(needle));
    } else {
      try {
        const { parties, complete, groups } = await this.client.complete_recipient(text);
        if (this.input.value.trim() !== text) return;
        this.found = [...groups.map((name) => ({ name, address: "" })), ...parties];
        this.all = this.found;
        this.exhausted = complete ? text : "";
      } catch {
        return; // the field works without suggestions
      }
    }
    this.at = this.found.length > 0 ? 0 : -1;
    this.show();
  }

  private show(): void {
    this.options.hidden = this.found.length === 0;
    this.input.setAttribute("aria-expanded", String(!this.options.hidden));
    fill(
      this.options,
      this.found.map((one, i) =>
        el(
          "div",
          {
            role: "option",
            class: "completion",
            "aria-selected": String(i === this.at),
            onmousedown: (event) => {
              event.preventDefault();
              this.take(i);
            },
          },
          el("span", { dir: "auto" }, one.name || one.address),
          one.name !== "" && el("span", { class: "completion-address" }, one.address || t("Group")),
        ),
      ),
    );
    this.options.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  private take(i: number): void {
    const party = this.found[i];
    if (party === undefined) return;
    this.input.value = "";
    this.close();
    if (party.address === "")
      this.groups = Promise.all([this.groups, this.takeGroup(party.name)]).then((all) => !all.includes(false));
    else this.add([party]);
  }

  private async takeGroup(name: string): Promise<boolean> {
    try {
      this.add(await this.client.group_members(name));
      return true;
    } catch (error) {
      this.complain(messageOf(error));
      return false;
    }
  }

  /** Wait for the members of chosen groups; false, once, if they could not be asked for, which the field says. */
  arrived(): Promise<boolean> {
    const { groups } = this;
    this.groups = Promise.resolve(true);
    return groups;
  }

  private add(parties: readonly Party[]): void {
    const known = new Set(this.list.map((one) => one.address));
    this.list.push(...parties.filter((one) => !known.has(one.address)));
    this.draw();
    this.changed();
  }

  private close(): void {
    clearTimeout(this.timer);
    this.found = [];
    this.exhausted = "";
    this.at = -1;
    this.show();
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const open = !this.options.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (open && step !== undefined) {
      this.at = (this.at + step + this.found.length) % this.found.length;
      this.show();
    } else if (open && (event.key === "Enter" || event.key === "Tab") && !event.ctrlKey) this.take(this.at);
    else if (open && event.key === "Escape") {
      this.close();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && this.input.value.trim() !== "")
      this.commit();
    else if (event.key === "Backspace" && this.input.value === "" && this.list.length > 0)
      this.edit(this.list.length - 1);
    else return;
    event.preventDefault();
  }
}
