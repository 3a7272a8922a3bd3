// The page: mailboxes and account on one side, the list in the middle, the message beside it.

import { type CommandTable, enabled, hintOf } from "../../lib/commands";
import { brand, el, fill, sign } from "../../lib/dom";
import { ellipsis, listFilter, pencil, squarePen } from "../../lib/icons";
import { effect } from "../../lib/signal";
import { moveWithin } from "../../lib/toolbar";
import { mailboxName, t } from "../../lib/words";
import type { OpenMenu } from "../bar/part";
import { listMenu } from "../commands/find";
import type { Find } from "../find";
import type { Counts } from "../state/counts";
import type { Mail } from "../state/mail";
import { counted } from "./counts";
import type { Drawer } from "./drawer";
import type { MessageList } from "./list";
import type { MailboxList } from "./mailboxes";
import type { Panes } from "./panes";
import type { Reader } from "./reader";

/** The parts of the page, and the state that its headings show. */
export interface Page {
  readonly commands: CommandTable;
  readonly mail: Mail;
  readonly find: Find;
  readonly side: HTMLElement;
  readonly drawer: Drawer;
  readonly mailboxes: MailboxList;
  readonly list: MessageList;
  readonly panes: Panes;
  readonly reader: Reader;
  readonly openMenu: OpenMenu;
  openAccount(at: HTMLElement, link: HTMLAnchorElement): void;
}

/** A pair of numbers of the same kind: messages, if both are known, else conversations. */
function few(selected: Counts, all: Counts): { n: number; total: number } {
  if (selected.messages === null || all.messages === null)
    return { n: selected.conversations, total: all.conversations };
  return { n: selected.messages, total: all.messages };
}

/** Arrange the parts in `root`. */
export function layOut(root: HTMLElement, page: Page): void {
  const facts = page.mail.facts;
  const account = el("span", { class: "account-address" });
  const accountLink = el("a", { hidden: true }, t("Account"));
  const heading = el("h1", { class: "list-title" });
  const count = el("span", { class: "list-count" });
  const more = el(
    "button",
    {
      class: "link list-menu",
      "aria-haspopup": "menu",
      title: t("What the list shows"),
      "aria-label": t("What the list shows"),
    },
    sign(listFilter),
  );
  more.addEventListener("click", () =>
    page.openMenu(more, t("What the list shows"), listMenu.map((id) => page.commands.get(id)).filter(enabled)),
  );
  const command = (id: string, attributes: Record<string, unknown>, ...label: (Node | string)[]) =>
    el("button", { ...attributes, onclick: () => page.commands.run(id) }, label);
  const tools = el(
    "div",
    { class: "list-tools", role: "toolbar", "aria-label": t("What the list shows") },
    command("app.unread-only", { class: "link" }, el("span", { class: "unread-toggle" }, t("Unread only"))),
    more,
  );
  moveWithin(tools);
  const compose = command(
    "compose.new",
    { class: "primary compose-new" },
    sign(squarePen),
    el("span", { class: "side-word" }, t("New message")),
  );
  effect(() => {
    const { single_keys, keymap } = page.mail.settings.value;
    page.commands.letters = single_keys;
    page.commands.remap(keymap);
    compose.title = hintOf(page.commands.get("compose.new"));
  });
  const links = el(
    "button",
    {
      class: "account-menu",
      "aria-haspopup": "menu",
      title: t("Account and settings"),
      "aria-label": t("Account and settings"),
    },
    sign(ellipsis),
  );
  links.addEventListener("click", () => page.openAccount(links, accountLink));
  fill(
    page.side,
    brand(),
    compose,
    el("div", { class: "side-lists" }, page.mailboxes.root, page.mailboxes.labels, page.mailboxes.searches),
    el(
      "div",
      { class: "account" },
      links,
      account,
      el(
        "div",
        { class: "account-links" },
        command("app.people", { class: "link" }, t("People")),
        command("app.newsletters", { class: "link" }, t("Newsletters")),
        command("app.settings", { class: "link" }, t("Settings")),
        accountLink,
        command("app.log-out", { class: "link" }, t("Log out")),
      ),
    ),
  );
  fill(
    root,
    page.side,
    el(
      "section",
      { class: "middle", "aria-label": t("List") },
      el("div", { class: "list-top" }, page.drawer.button, page.find.bar.root),
      el("header", { class: "list-head" }, heading, count, tools),
      page.list.root,
      command(
        "compose.new",
        { class: "compose-round", title: t("New message"), "aria-label": t("New message") },
        sign(pencil),
      ),
    ),
    page.panes.splitter,
    page.reader.root,
  );
  effect(() => {
    const { login_address, account_path } = facts.value;
    fill(account, login_address);
    accountLink.href = account_path;
    accountLink.hidden = account_path === "";
  });
  effect(() => {
    const selected = page.mail.choice.selectedCount.value;
    const name = page.mail.current.value?.name.split("/").at(-1) ?? "";
    fill(heading, page.find.text.value !== "" ? t("Search") : mailboxName(name));
    const all = page.mail.counts.value;
    // in a search, the search bar shows the number of known rows
    const words =
      selected > 1
        ? t("{n} of {total} selected", few(page.mail.choice.selectedCounts.value, all))
        : page.mail.searching.value === null && counted(all);
    fill(count, words);
    count.title = words || "";
  });
  effect(() => {
    root.classList.toggle("unread-only", page.mail.query.value.filter.unread === true);
  });
}
