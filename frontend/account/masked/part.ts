// Addresses to give away: one for each site, with who writes to it, to be turned off alone (MASK-12).

import type { GivenAddress, GivenPage } from "../../gen/account";
import { attempt, confirm, dialog } from "../../lib/dialogs";
import { type Child, el, fill, placed } from "../../lib/dom";
import { atFields, choice, field, form, line } from "../../lib/fields";
import { holdPlace } from "../../lib/focus";
import { atSign, pencil, plus, trash2 } from "../../lib/icons";
import { button, card, copyable, foreign, head, iconButton, table } from "../../lib/pages";
import { released } from "../../lib/press";
import { empty, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";

/** Milliseconds without a key until a search begins. */
const pause = 250;

/** Addresses that one reading gives. */
const page = 50;

const masked: MakePage = async (desk) => {
  const list = new List(desk);
  await list.load();
  const title = t("Masked addresses");
  const hint = t(
    "Use a different address for each store or newsletter. Mail arrives here as usual. If you start getting mail from unknown senders, you'll know who shared your address.",
  );
  const make = button(t("New address"), () => void list.make(), { icon: plus, kind: "primary" });
  return { title, root: el("div", { class: "page" }, head(title, hint, make), list.root) };
};

class List {
  private readonly place = el("div", {});
  private readonly search = el("input", {
    class: "input",
    type: "search",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "200",
    placeholder: t("Address, site, or note"),
    "aria-label": t("Find address"),
  });
  private readonly bar = el("p", { class: "gap given-search" }, this.search);
  readonly root = el("div", {}, this.bar, this.place);
  private offset = 0;
  private domains: readonly string[] = [];
  /** Counts the readings; one that arrives late is not shown. */
  private readings = 0;

  constructor(private readonly desk: Desk) {
    let timer = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => void this.go(0), pause);
    });
    desk.onLeave(() => clearTimeout(timer));
  }

  async load(): Promise<void> {
    const number = ++this.readings;
    const found = await this.desk.client.masked_list(this.search.value, this.offset);
    await released(this.place);
    if (number !== this.readings) return;
    if (found.items.length === 0 && this.offset > 0) {
      this.offset = 0;
      await this.load();
      return;
    }
    this.domains = found.domains;
    this.bar.hidden = found.total === 0 && this.search.value === "";
    const giveBack = holdPlace(this.place);
    fill(this.place, this.shown(found));
    giveBack();
  }

  private async go(offset: number): Promise<void> {
    this.offset = offset;
    await attempt(t("Loading…"), t("Couldn't load addresses"), () => this.load());
  }

  private shown(found: GivenPage): Child {
    const title = t("Addresses");
    if (found.total > 0)
      return [card("", table(title, this.columns(), found.items), { flush: true }), this.pager(found)];
    if (this.search.value !== "") return card("", el("p", { class: "hint" }, t("No matching addresses")));
    const make = button(t("New address"), () => void this.make(), { icon: plus });
    const text = t("Create one the next time a site asks for your email address.");
    return card("", empty(atSign, t("No masked addresses yet"), text, make), { flush: true });
  }

  private columns() {
    return [
      { title: t("Address"), kind: "main", cell: (one: GivenAddress) => name(one) },
      { title: t("Status"), cell: (one: GivenAddress) => status(one) },
      { title: t("Mail"), cell: (one: GivenAddress) => mail(one) },
      { title: t("Created"), cell: (one: GivenAddress) => when(microseconds(one.created)) },
      { title: "", kind: "num", cell: (one: GivenAddress) => this.buttons(one) },
    ] as const;
  }

  private buttons(one: GivenAddress): Child {
    const off = one.state !== "on";
    const names = { name: one.address };
    return el(
      "span",
      { class: "flex wrap" },
      button(off ? t("Turn on") : t("Turn off"), () => void this.turn(one, off), {
        kind: "line small",
        name: off ? t("Turn on {name}", names) : t("Turn off {name}", names),
      }),
      // words in all languages would leave no room for the address
      iconButton(t("Edit {name}", names), pencil, () => void this.edit(one)),
      iconButton(t("Delete {name}", names), trash2, () => void this.remove(one)),
    );
  }

  private pager({ items, total }: GivenPage): Child {
    const last = this.offset + items.length;
    if (this.offset === 0 && last >= total) return null;
    return el(
      "nav",
      { class: "flex wrap gap", "aria-label": t("Page navigation") },
      el("span", { class: "grow hint" }, t("{first}–{last} of {total}", { first: this.offset + 1, last, total })),
      this.offset > 0 && button(t("Newer"), () => void this.go(Math.max(0, this.offset - page))),
      last < total && button(t("Older"), () => void this.go(last)),
    );
  }

  private async turn(one: GivenAddress, active: boolean): Promise<void> {
    const failed = active ? t("Couldn't turn on address") : t("Couldn't turn off address");
    const done = await attempt(t("Saving…"), failed, async () => {
      await (active ? this.desk.client.address_on(one.address) : this.desk.client.address_off(one.address));
      await this.load();
    });
    if (!done) return;
    const names = { name: one.address };
    this.desk.say(active ? t("Turned on {name}", names) : t("New mail to {name} will be rejected", names));
  }

  private async remove(one: GivenAddress): Promise<void> {
    const yes = await confirm(
      t("Delete {name}?", { name: one.address }),
      t(
        "New mail to this address will be rejected, and its history will be deleted. To keep the history, turn off the address instead.",
      ),
      t("Delete address"),
    );
    if (!yes) return;
    await attempt(t("Deleting…"), t("Couldn't delete address"), async () => {
      await this.desk.client.address_rm(one.address);
      await this.load();
    });
  }

  async make(): Promise<void> {
    const made = await dialog<GivenAddress | null>(t("New masked address"), (close) => {
      const site = line(t("Website"), "", t("For example, shop.example. Optional."), {
        autocapitalize: "none",
        inputmode: "url",
        maxlength: "300",
        autofocus: "",
      });
      const note = line(t("Note"), "", t("Only you can see this. Optional."), { maxlength: "500" });
      const word = line(t("Prefix"), "", t("Letters and digits. By default, based on the site's name."), {
        autocapitalize: "none",
        maxlength: "32",
      });
      const domain = choice(
        t("Domain"),
        this.domains.map((one) => [one, one] as const),
        this.domains[0] ?? "",
      );
      const content = [site.root, note.root, word.root, this.domains.length > 1 && domain.root];
      const box = form(content, t("Create address"), async () => {
        const { client } = this.desk;
        try {
          close(
            await client.address_add(site.control.value, word.control.value, domain.control.value, note.control.value),
          );
        } catch (error) {
          atFields(error, { site, note, word, domain });
        }
      });
      return [box.root, cancel(() => close(null))];
    });
    if (made === null) return;
    await dialog<void>(t("Your new address"), (close) => [
      el("p", { class: "gap" }, copyable(made.address)),
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { class: "btn primary", type: "button", onclick: () => close() }, t("Done")),
      ),
    ]);
    this.search.value = "";
    await this.go(0);
  }

  private async edit(one: GivenAddress): Promise<void> {
    const done = await dialog<boolean>(one.address, (close) => {
      const site = line(t("Website"), one.site, null, { autocapitalize: "none", maxlength: "300" });
      const note = line(t("Note"), one.note, null, { maxlength: "500" });
      const senders = line(
        t("Allowed senders"),
        one.only_from.join(", "),
        t("Addresses and domains, separated by commas. Leave blank to accept everyone. Other mail is rejected."),
        { autocapitalize: "none" },
      );
      const until = field(t("Expires after"), el("input", { type: "date" }), t("Leave blank for no expiration."));
      until.control.value = dayOf(one.expires);
      const box = form([site.root, note.root, senders.root, until.root], t("Save"), async () => {
        try {
          await this.desk.client.address_set(
            one.address,
            differing(site.control.value, one.site),
            differing(note.control.value, one.note),
            differing(senders.control.value, one.only_from.join(", ")),
            differing(endOf(until.control.value), endOf(dayOf(one.expires))),
          );
          close(true);
        } catch (error) {
          atFields(error, { site, note, only_from: senders, expires: until });
        }
      });
      return [box.root, cancel(() => close(false))];
    });
    if (done === true) await attempt(t("Loading…"), t("Couldn't load addresses"), () => this.load());
  }
}

function name(one: GivenAddress): Child {
  return el(
    "div",
    { class: "given" },
    copyable(one.address),
    (one.site !== "" || one.note !== "") &&
      el("p", { class: "hint" }, foreign(one.site), one.site !== "" && one.note !== "" && " · ", foreign(one.note)),
    one.only_from.length > 0 &&
      el("p", { class: "hint" }, t("Only accepts mail from {names}", { names: one.only_from.join(", ") })),
    leak(one),
    one.wrote.length > 0 &&
      el(
        "details",
        {},
        el("summary", { class: "hint" }, t("Senders")),
        el(
          "ul",
          { class: "given-senders" },
          one.wrote.map((sender) =>
            el(
              "li",
              {},
              el("b", {}, foreign(sender.domain)),
              " · ",
              placed(many(sender.messages, "{n} message since {since}", "{n} messages since {since}"), {
                since: when(microseconds(sender.first)),
              }),
            ),
          ),
        ),
      ),
  );
}

/** Who passed it on: others than the site write to it (MASK-8). */
function leak(one: GivenAddress): Child {
  if (one.strangers === 0) return null;
  const words =
    one.site === ""
      ? many(one.strangers, "{n} unknown sender since {since}", "{n} unknown senders since {since}")
      : many(
          one.strangers,
          "Used for {site}. {n} unknown sender since {since}",
          "Used for {site}. {n} unknown senders since {since}",
          { site: one.site },
        );
  return el("p", { class: "given-leak" }, placed(words, { since: when(microseconds(one.strangers_since)) }));
}

function status(one: GivenAddress): Child {
  const known = { on: state("ok", t("on")), off: state("off", t("off")), expired: state("warn", t("expired")) };
  if (one.expires === "" || one.state === "off") return known[one.state];
  const words = one.state === "on" ? t("expires {time}") : t("since {time}");
  return el(
    "span",
    {},
    known[one.state],
    el("br"),
    el("span", { class: "hint" }, placed(words, { time: when(microseconds(one.expires)) })),
  );
}

function mail(one: GivenAddress): Child {
  if (one.last_mail === "") return t("no mail yet");
  return el(
    "span",
    {},
    el("span", { class: "given-count" }, many(one.messages, "{n} message", "{n} messages")),
    el("br"),
    el("span", { class: "hint" }, placed(t("last {time}"), { time: when(microseconds(one.last_mail)) })),
  );
}

/** The day of a moment, here, as a field for a date has it; "" for never. */
function dayOf(text: string): string {
  if (text === "") return "";
  const at = new Date(text);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** A value that its user has changed; one that stays is not sent. */
function differing(now: string, before: string): string | null {
  return now === before ? null : now;
}

/** The end of a day, here. */
function endOf(day: string): string {
  return day === "" ? "never" : new Date(`${day}T23:59:59`).toISOString();
}

function cancel(run: () => void): HTMLElement {
  return el(
    "div",
    { class: "dialog-buttons" },
    el("button", { class: "btn", type: "button", onclick: run }, t("Cancel")),
  );
}

export const pages: Readonly<Record<string, MakePage>> = { masked };
