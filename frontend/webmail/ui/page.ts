// The page: account, places and mailboxes on one side, the list in the middle, the message beside it.

import { type CommandTable, hintOf } from "../../lib/commands";
import { hue, initials } from "../../lib/disc";
import { el, fill, sign } from "../../lib/dom";
import { chevronsUpDown, listFilter, settings, squarePen, x } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { effect } from "../../lib/signal";
import { moveWithin } from "../../lib/toolbar";
import { mailboxName, t } from "../../lib/words";
import { isInbox } from "../data/mailboxes";
import type { Find } from "../find";
import type { Mail } from "../state/mail";
import { counted } from "./counts";
import type { Drawer } from "./drawer";
import type { MessageList } from "./list";
import type { MailboxList } from "./mailboxes";
import type { Panes } from "./panes";
import type { Places } from "./places";
import type { Reader } from "./reader";

/** The parts of the page, and the state that its headings show. */
export interface Page {
  readonly commands: CommandTable;
  readonly mail: Mail;
  readonly find: Find;
  readonly side: HTMLElement;
  readonly drawer: Drawer;
  readonly places: Places;
  readonly mailboxes: MailboxList;
  readonly list: MessageList;
  readonly panes: Panes;
  readonly reader: Reader;
  /** The place of the bar while rows are chosen. */
  readonly chosen: HTMLElement;
  openAccount(at: HTMLElement): void;
  openListMenu(at: HTMLElement): void;
}

/** Arrange the parts in `root`. */
export function layOut(root: HTMLElement, page: Page): void {
  const { mail } = page;
  const heading = el("h1", { class: "list-title" });
  const count = el("span", { class: "list-count" });
  const named = (name: string) => ({ title: name, "aria-label": name });
  const opener = (kind: string, title: string, open: (at: HTMLElement) => void, ...label: (Node | string)[]) => {
    const made = el(
      "button",
      { class: kind, "aria-haspopup": "menu", ...named(title), onclick: () => open(made) },
      label,
    );
    return made;
  };
  const command = (id: string, attributes: Record<string, unknown>, ...label: (Node | string)[]) =>
    el("button", { ...attributes, onclick: () => page.commands.run(id) }, label);
  const tools = el(
    "div",
    { class: "list-tools", role: "toolbar", "aria-label": t("List options") },
    opener("link list-menu", t("List options"), (at) => page.openListMenu(at), sign(listFilter)),
  );
  moveWithin(tools);
  const chosenCount = el("h1", { class: "chosen-count" });
  const all = command("list.all", { class: "link" });
  const bar = el(
    "header",
    { class: "list-chosen" },
    command("list.none", { class: "chosen-clear", ...named(t("Clear selection")) }, sign(x)),
    chosenCount,
    all,
    page.chosen,
  );
  const compose = command(
    "compose.new",
    { class: "primary compose-new" },
    sign(squarePen),
    el("span", { class: "side-word" }, t("New message")),
  );
  effect(() => {
    const { single_keys, keymap } = mail.settings.value;
    page.commands.letters = single_keys;
    page.commands.remap(keymap);
    compose.title = hintOf(page.commands.get("compose.new"));
  });
  const storage = el("div", { class: "storage" });
  const disc = el("span", { "aria-hidden": "true" });
  const address = el("span", { class: "account-address" });
  const account = opener(
    "account-menu",
    t("Account and settings"),
    (at) => page.openAccount(at),
    disc,
    address,
    sign(chevronsUpDown, "i s"),
  );
  const gear = command("app.settings", { class: "open-settings", ...named(t("Settings")) }, sign(settings));
  const head = el("div", { class: "account" }, account, gear);
  fill(
    page.side,
    head,
    el(
      "div",
      { class: "side-mail" },
      compose,
      el("div", { class: "side-lists" }, page.mailboxes.root, page.mailboxes.labels, page.mailboxes.searches),
      storage,
    ),
  );
  page.list.band.append(page.find.bar.problems);
  fill(
    root,
    el(
      "section",
      { class: "middle", "aria-label": t("List") },
      el("div", { class: "list-top" }, page.drawer.button, page.find.bar.root),
      el("header", { class: "list-head" }, heading, count, page.find.bar.said, tools),
      bar,
      page.list.band,
      page.list.root,
      command("compose.new", { class: "compose-round", ...named(t("New message")) }, sign(squarePen)),
    ),
    page.side,
    page.panes.splitter,
    page.reader.root,
  );
  page.places.begin(head);
  effect(() => {
    const { account_path, login_address } = mail.facts.value;
    gear.hidden = account_path === "";
    // the domain below the name, so that neither is cut
    const [, name = "", domain = ""] = /^(.*?)(@.*)?$/.exec(login_address)!;
    fill(address, el("b", {}, name), domain);
    account.setAttribute("aria-label", `${t("Account and settings")}: ${login_address}`);
    disc.className = `account-disc c${hue(login_address)}`;
    disc.dataset["initials"] = initials(name);
  });
  effect(() => {
    const { storage_limit } = mail.facts.value;
    const own = mail.mailboxes.value.filter(({ owner }) => owner === "");
    const used = own.reduce((sum, one) => sum + one.size, 0);
    storage.hidden = storage_limit === 0;
    const meter = el("meter", { max: String(storage_limit), high: String(0.9 * storage_limit), value: String(used) });
    meter.ariaLabel = t("Storage");
    fill(storage, meter, t("{used} of {all}", { used: size(used), all: size(storage_limit) }));
  });
  effect(() => {
    const name = mail.current.value?.name.split("/").at(-1) ?? "";
    const searching = page.find.text.value !== "";
    fill(heading, searching ? t("Search") : mailboxName(name));
    root.classList.toggle("searching", searching);
    const inbox = !searching && mail.current.value !== undefined && isInbox(mail.current.value);
    Object.assign(page.list.band.dataset, { inbox, only: page.find.refinement.value });
    // a search says its own number
    fill(count, mail.searching.value === null && counted(mail.counts.value));
  });
  effect(() => {
    const n = mail.choice.selectedCounts.value.conversations;
    const total = mail.counts.value.conversations;
    fill(chosenCount, t("{n} selected", { n }));
    fill(all, t("Select all {n}", { n: total }));
    all.hidden = n >= total;
  });
}
