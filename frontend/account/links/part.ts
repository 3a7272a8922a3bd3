// Linked mailboxes: mailboxes of the user at other providers, which are mirrored here (LINK-22..26).

import type { LinkItem, LinkList } from "../../gen/account";
import { askToSave, attempt, dialog, showError } from "../../lib/dialogs";
import { type Child, el, fill, placed } from "../../lib/dom";
import { tick } from "../../lib/fields";
import { ellipsis, link, plus } from "../../lib/icons";
import { type Entries, openMenu } from "../../lib/menu";
import { button, card, foreign, head, iconButton, meter, table, visible } from "../../lib/pages";
import { redraw } from "../../lib/press";
import { inWord } from "../../lib/remarks";
import { sentence } from "../../lib/sentence";
import { empty, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { mailboxName, many, t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { addMailbox, buttons, changeSending, changeSorting, keeping, newPassword, wanted } from "./adding";

/** Milliseconds between two looks at what the links do. */
const period = 2000;

const links: MakePage = async (desk) => {
  const list = new List(desk);
  await list.load();
  const title = t("Linked accounts");
  const hint = t("Read your mail from Gmail, GMX, or another provider here. Changes sync both ways.");
  const add = button(t("Add account"), () => void list.add(), { icon: plus, kind: "primary" });
  return { title, root: el("div", { class: "page" }, head(title, hint, add), list.root) };
};

class List {
  readonly root = el("div", {});
  private timer = 0;
  private drawn = "";
  private insecure = false;

  constructor(private readonly desk: Desk) {
    desk.onLeave(() => clearTimeout(this.timer));
  }

  /** Read and show what the links do, now and from now on. */
  async load(): Promise<void> {
    clearTimeout(this.timer);
    const found = await inWords(await this.desk.client.link_list());
    this.insecure = found.insecure;
    const now = JSON.stringify(found.items.map((one) => ({ ...one, next_try: one.next_try?.slice(0, 16) })));
    if (now !== this.drawn || this.root.childElementCount === 0) {
      await redraw(this.root, () => {
        this.drawn = now;
        fill(this.root, this.shown(found.items));
      });
    }
    clearTimeout(this.timer);
    if (found.items.length > 0) this.timer = window.setTimeout(() => void this.again(), period);
  }

  /** As `load`; a lost connection is tried again. */
  private async again(): Promise<void> {
    if (!this.desk.shown()) return;
    if (this.root.querySelector("[aria-expanded=true]") !== null) {
      // the menu that is open gives the focus back to its button
      this.timer = window.setTimeout(() => void this.again(), period);
      return;
    }
    try {
      await this.load();
    } catch {
      this.timer = window.setTimeout(() => void this.again(), period * 5);
    }
  }

  private shown(items: readonly LinkItem[]): Child {
    if (items.length > 0) return card("", table(t("Linked accounts"), this.columns(), items), { flush: true });
    const add = button(t("Add account"), () => void this.add(), { icon: plus });
    const text = t("Folders appear in their own group and sync both ways.");
    return card("", empty(link, t("No linked accounts yet"), text, add), { flush: true });
  }

  private columns() {
    return [
      { title: t("Name"), kind: "main", cell: (one: LinkItem) => name(one) },
      { title: t("Status"), cell: (one: LinkItem) => status(one) },
      { title: "", kind: "num", cell: (one: LinkItem) => this.first(one) },
      { title: "", kind: "top", cell: (one: LinkItem) => this.menu(one) },
    ] as const;
  }

  /** The button for what a link needs most in its state; all else is in the menu of its row. */
  private first(one: LinkItem): Child {
    const names = { name: visible(one.name) };
    const kind = "line small";
    switch (one.state) {
      case "paused":
        return button(t("Resume"), () => void this.pause(one, false), { kind, name: t("Resume {name}", names) });
      case "waiting":
        return button(t("Try now"), () => void this.pause(one, false), { kind, name: t("Try now: {name}", names) });
      case "refused":
        return button(t("New password"), () => void this.password(one), {
          kind,
          name: t("New password for {name}", names),
        });
      default:
        return button(t("Pause"), () => void this.pause(one, true), { kind, name: t("Pause {name}", names) });
    }
  }

  private menu(one: LinkItem): Child {
    const title = t("Actions for {name}", { name: visible(one.name) });
    const stops = one.state === "waiting" || one.state === "refused";
    const entries: Entries = [
      ...(stops ? [{ id: "link.pause", title: t("Pause"), run: () => void this.pause(one, true) }] : []),
      { id: "link.sending", title: t("Sending"), run: () => void this.sending(one) },
      { id: "link.sorting", title: t("Sorting"), run: () => void this.sorting(one) },
      ...(one.state === "refused"
        ? []
        : [{ id: "link.password", title: t("New password"), run: () => void this.password(one) }]),
      { id: "link.rename", title: t("Rename"), run: () => void this.rename(one) },
      null,
      { id: "link.remove", title: t("Unlink"), run: () => void this.remove(one) },
    ];
    const made = iconButton(title, ellipsis, () => openMenu(made, title, entries));
    made.setAttribute("aria-haspopup", "menu");
    made.setAttribute("aria-expanded", "false");
    return made;
  }

  private async pause(one: LinkItem, paused: boolean): Promise<void> {
    await attempt(t("Saving…"), paused ? t("Couldn't pause account") : t("Couldn't resume account"), async () => {
      await (paused ? this.desk.client.link_pause(one.name) : this.desk.client.link_resume(one.name));
      await this.load();
    });
  }

  private async password(one: LinkItem): Promise<void> {
    if (!(await newPassword(this.desk, one))) return;
    this.desk.say(t("Password updated"));
    await attempt(t("Loading…"), t("Couldn't load linked accounts"), () => this.load());
  }

  private async sending(one: LinkItem): Promise<void> {
    if (await changeSending(this.desk, one))
      await attempt(t("Loading…"), t("Couldn't load linked accounts"), () => this.load());
  }

  private async sorting(one: LinkItem): Promise<void> {
    if (await changeSorting(this.desk, one))
      await attempt(t("Loading…"), t("Couldn't load linked accounts"), () => this.load());
  }

  private async rename(one: LinkItem): Promise<void> {
    const title = t("Rename {name}", { name: visible(one.name) });
    const save = async (name: string) =>
      name === one.name ||
      attempt(t("Saving…"), t("Couldn't rename account"), () => this.desk.client.link_rename(one.name, name));
    if (await askToSave(title, t("Name"), one.name, t("Rename"), save))
      await attempt(t("Loading…"), t("Couldn't load linked accounts"), () => this.load());
  }

  private async remove(one: LinkItem): Promise<void> {
    const names = { name: visible(one.name), host: one.host };
    const copies = tick(
      t("Also delete copied mail from this account"),
      false,
      t("If you don't, you'll keep the copied folders."),
    );
    const yes = await dialog<boolean>(t("Unlink {name}?", names), (close) => [
      el("p", { class: "dialog-text" }, t("Mail will stop syncing. Your mail at {host} won't be deleted.", names)),
      el("div", { class: "gap" }, copies.root),
      buttons(
        () => close(false),
        el("button", { class: "btn line danger", type: "button", onclick: () => close(true) }, t("Unlink account")),
      ),
    ]);
    if (yes !== true) return;
    await attempt(t("Unlinking…"), t("Couldn't unlink account"), async () => {
      await this.desk.client.link_rm(one.name, copies.control.checked);
      await this.load();
    });
  }

  async add(): Promise<void> {
    const made = await addMailbox(this.desk, this.insecure);
    if (made === null) return;
    this.desk.say(t("Linked {name}. Syncing newest messages first", { name: visible(made.name) }));
    await attempt(t("Loading…"), t("Couldn't load linked accounts"), () => this.load());
    const { message } = await inWord(made.sending);
    if (message !== "") await showError(t("You can't send from this address yet"), sentence(message));
  }
}

/** The list with the server's texts in the reader's language. */
async function inWords(found: LinkList): Promise<LinkList> {
  const items = await Promise.all(
    found.items.map(async (one) => {
      const [said, ...problems] = await Promise.all([one.said, ...one.problems].map(inWord));
      return { ...one, said: said!, problems };
    }),
  );
  return { ...found, items };
}

function name(one: LinkItem): Child {
  return el(
    "div",
    { class: "given" },
    el("b", {}, foreign(one.name)),
    el("span", { class: "hint" }, foreign(one.address)),
    el("span", { class: "hint" }, foreign(one.host)),
    one.protocol === "pop3" && el("span", { class: "hint" }, `POP3 · ${keeping(one.keep_days)}`),
    el(
      "span",
      { class: "hint" },
      one.smtp_host === "" ? t("receive only") : t("sends through {host}", { host: visible(one.smtp_host) }),
    ),
    one.sorts && el("span", { class: "hint" }, t("sorts new mail")),
  );
}

function status(one: LinkItem): Child {
  return el("div", { class: "given", role: "status" }, standing(one), ...problems(one));
}

function standing(one: LinkItem): Child {
  const reason = one.said.message !== "" && el("span", { class: "hint" }, foreign(sentence(one.said.message)));
  switch (one.state) {
    case "current":
      return state("ok", one.protocol === "pop3" ? t("up to date") : t("connected"));
    case "paused":
      return state("off", t("paused"));
    case "connecting":
      return state("wait", t("connecting…"));
    case "copying":
      return [state("wait", t("copying")), progress(one)];
    case "waiting":
      return [state("warn", t("no connection")), reason, next(one)];
    default:
      return [
        state("danger", t("password rejected")),
        one.refused !== null && el("span", { class: "hint" }, around(t("Last rejected {time}"), one.refused)),
        reason,
        el("span", {}, t("If you changed your password, enter the new one here.")),
        wanted(one),
        next(one),
      ];
  }
}

function progress(one: LinkItem): Child {
  if (one.mailbox === "") return null;
  return [
    meter(one.total > 0 ? one.done / one.total : 0),
    el(
      "span",
      { class: "hint" },
      placed(
        many(one.total, "{mailbox}: {done} of {n} message", "{mailbox}: {done} of {n} messages", { done: one.done }),
        { mailbox: foreign(mailboxName(one.mailbox)) },
      ),
    ),
  ];
}

function next(one: LinkItem): Child {
  return one.next_try !== null && el("span", { class: "hint" }, around(t("Next attempt {time}"), one.next_try));
}

/** Words with a time in them. */
function around(words: string, at: string): Child {
  const [before, after] = words.split("{time}");
  return [before ?? "", when(microseconds(at)), after ?? ""];
}

function problems(one: LinkItem): Child[] {
  if (one.problems.length === 0) return [];
  return [
    el(
      "details",
      { class: "problems" },
      el(
        "summary",
        { class: "hint" },
        many(one.problems.length, "{n} problem (view skipped items)", "{n} problems (view skipped items)"),
      ),
      el(
        "ul",
        {},
        one.problems.map(({ message }) => el("li", {}, foreign(message))),
      ),
    ),
  ];
}

export const pages: Readonly<Record<string, MakePage>> = { links };
