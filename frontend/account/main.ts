// The account app: log-in, side bar, and one page at a time. Each page has an address, is in a part, and is a tab of a place.
// The page of a device that is set up needs no log-in.

import { Client, checks, once } from "../gen/account";
import { restorePlace } from "../lib/away";
import { base, number as account } from "../lib/beside";
import { messageOf } from "../lib/client";
import { askConfirm } from "../lib/confirm";
import { setStatus, showError } from "../lib/dialogs";
import { byId, el, fill, sign } from "../lib/dom";
import { watchFailures } from "../lib/failures";
import { holdPlace } from "../lib/focus";
import {
  atSign,
  calendar,
  eye,
  inbox,
  keyRound,
  lock,
  logOut as leaving,
  mail,
  pencil,
  search,
  users,
} from "../lib/icons";
import { logOut } from "../lib/logout";
import { disc, head, iconButton, type Place, Shell } from "../lib/pages";
import { part, reloadIfGone } from "../lib/parts";
import { confirmBack } from "../lib/provider";
import { leave as leavePage } from "../lib/reload";
import { lastScheme, paint } from "../lib/scheme";
import { beforeDisplay } from "../lib/session";
import { notice } from "../lib/states";
import { steadily } from "../lib/steady";
import { toast } from "../lib/toasts";
import { keepForms } from "../lib/unsaved";
import { meant, t } from "../lib/words";
import { Keeper } from "./preferences";
import { recover, recoveryToken } from "./recover";
import { AccountSession } from "./session";
import { mark } from "./ui/marks";
import type { Desk, MakePage, PagePart } from "./ui/page";

/** The places of the side bar, with their pages. */
const places: readonly Place[] = [
  { title: t("Search settings"), icon: search, about: "", pages: [["search", ""]] },
  {
    title: meant("settings", "You"),
    icon: atSign,
    about: t("Name, addresses, appearance"),
    pages: [
      ["addresses", t("Addresses")],
      ["appearance", t("Appearance")],
    ],
  },
  {
    title: meant("settings", "Writing"),
    icon: pencil,
    about: t("Signatures, templates"),
    pages: [
      ["writing", t("Signatures and replies")],
      ["templates", t("Templates")],
      ["suppressed", t("Suppressed addresses")],
    ],
  },
  {
    title: t("Reading and alerts"),
    icon: eye,
    about: t("Messages, notifications, shortcuts"),
    pages: [
      ["reading", meant("settings", "Reading")],
      ["notifications", meant("settings", "Notifications")],
      ["shortcuts", t("Shortcuts")],
    ],
  },
  {
    title: t("Incoming mail"),
    icon: inbox,
    about: t("Rules, vacation reply, junk"),
    pages: [
      ["rules", t("Rules")],
      ["away", t("Vacation reply")],
      ["junk", t("Junk")],
      ["forwarding", t("Forwarding")],
      ["masked", t("Masked addresses")],
    ],
  },
  {
    title: t("Devices and security"),
    icon: lock,
    about: t("Password, devices, apps"),
    pages: [
      ["security", t("Security")],
      ["device", t("Set up a device")],
    ],
  },
  {
    title: t("Sharing and import"),
    icon: users,
    about: t("Linked accounts, folders, import"),
    pages: [
      ["shares", t("Shared folders")],
      ["links", t("Linked accounts")],
      ["transfer", t("Import and export")],
    ],
  },
  {
    title: t("For developers"),
    icon: keyRound,
    about: t("Sieve, keys, webhooks"),
    pages: [
      ["scripts", t("Sieve scripts")],
      ["keys", t("Keys and webhooks")],
    ],
  },
];

/** The parts that pages are in. */
const parts: Readonly<Record<string, string>> = {
  device: "device",
  setup: "device",
  security: "security",
  addresses: "you",
  search: "finding",
  appearance: "reading",
  writing: "writing",
  templates: "writing",
  reading: "reading",
  notifications: "reading",
  shortcuts: "reading",
  rules: "rules",
  away: "sieve",
  forwarding: "sieve",
  scripts: "sieve",
  junk: "junk",
  suppressed: "sending",
  keys: "sending",
  transfer: "transfer",
  shares: "shares",
  masked: "masked",
  links: "links",
};

/** The page that is shown at first. */
const first = "addresses";

class App {
  private readonly client: Client = new Client(base, checks, (reason) => this.logIn(reason));
  private readonly session = new AccountSession(this.client);
  private readonly keeper = new Keeper(this.client, () => this.open());
  private readonly who = el("span", { class: "flex grow who" });
  /** Links to the places of the webmail, where it is served. */
  private readonly webmail = el("nav", { class: "to-places", "aria-label": meant("app", "Places"), hidden: true });
  private readonly shell = new Shell(
    t("account"),
    t("Pages"),
    places,
    el(
      "div",
      { class: "me" },
      this.who,
      iconButton(t("Log out"), leaving, () => void logOut(this.session, () => this.session.forgetHanded())),
    ),
    this.webmail,
  );
  /** Counts the pages that were shown; a page that arrives late is not shown. */
  private shown = 0;
  private leave: (() => void)[] = [];
  private displayed = "";
  /** The setting that was found, which its page marks. */
  private wanted = "";

  async start(): Promise<void> {
    paint(lastScheme());
    this.client.confirmAgain = () => askConfirm(this.client);
    this.client.steady = steadily(once, 4);
    const token = recoveryToken(location.hash);
    if (token !== "") await recover(this.client, token);
    const known = this.session.resume();
    void confirmBack(this.client);
    const app = byId("app", HTMLElement);
    addEventListener("hashchange", () => void this.open());
    if (read(location.hash).page === "setup") {
      await this.setUp(app);
      return;
    }
    fill(app, this.shell.root);
    try {
      const apps = await this.client.apps();
      this.webmail.hidden = apps.webmail === "";
      fill(
        this.webmail,
        placesOf(apps.webmail).map(([href, icon, title]) => el("a", { href }, sign(icon), el("span", {}, title))),
      );
      if (apps.webmail.startsWith("/")) this.session.webmail = apps.webmail;
      if (!known) await this.logIn("");
    } catch (error) {
      await showError(t("Couldn't load account"), error);
    }
    app.hidden = false;
    keepForms(`moxlite-account${account}`);
    await this.open();
  }

  private async logIn(reason: string): Promise<void> {
    const webmail = this.webmail.hidden
      ? []
      : [el("p", { class: "hint" }, el("a", { href: this.webmail.querySelector("a")!.href }, t("Open webmail")))];
    if ((await this.session.logIn(reason, webmail)) && this.displayed !== "") await this.session.leave();
  }

  /** Show the page of a device that is set up. It stays until it is loaded anew: the secret in the address is used once. */
  private async setUp(app: HTMLElement): Promise<void> {
    const make = (await part<PagePart>("device")).pages["setup"]!;
    const page = await make(this.desk(read(location.hash).path, ++this.shown));
    document.title = `${page.title} · moxlite`;
    fill(app, el("main", {}, page.root));
    beforeDisplay(page.root);
    app.hidden = false;
  }

  /** Show the page that the address names, or the first one. */
  private async open(): Promise<void> {
    const address = read(location.hash);
    if (address.page === "setup") {
      leavePage();
      return;
    }
    // the Outbox was a page here
    if (location.hash === "#outgoing" && !this.webmail.hidden) {
      leavePage(() => location.replace(`${this.webmail.querySelector("a")!.href}#outbox:`));
      return;
    }
    const number = ++this.shown;
    let page: { title: string; root: HTMLElement };
    const leave = this.leave;
    this.leave = [];
    const slow = setTimeout(() => setStatus(t("Loading…")), 300);
    try {
      await this.recount();
      const make = await find(address.page);
      page = await make(this.desk(address.path, number));
    } catch (error) {
      const from = parts[address.page];
      page = { title: t("Page not available"), root: failure(error, () => void this.open()) };
      // a page that was just loaded would be loaded again for ever
      if (this.displayed !== "" && from !== undefined) void reloadIfGone(from);
    } finally {
      clearTimeout(slow);
      setStatus("");
    }
    for (const act of leave) act();
    if (number !== this.shown) return;
    document.title = `${page.title} · ${t("Account")} · moxlite`;
    const again = this.displayed === (location.hash || "#");
    const top = again ? scrollY : 0;
    const giveBack = again ? holdPlace(this.shell.main) : () => {};
    this.shell.show(address.page, page.root);
    giveBack();
    beforeDisplay(page.root);
    scrollTo(0, top);
    if (mark(page.root, this.wanted)) this.wanted = "";
    else if (this.displayed !== "" && !again)
      page.root.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    this.displayed = location.hash || "#";
  }

  /** Show the login address. */
  private async recount(): Promise<void> {
    const { login_address: address } = await this.client.overview();
    fill(this.who, disc(address, address), el("span", { class: "cut" }, el("bdi", {}, address)));
  }

  private desk(path: readonly string[], number: number): Desk {
    return {
      client: this.client,
      base,
      webmail: this.session.webmail,
      path,
      keep: (changed, back) => this.keeper.keep(changed, back),
      load: part,
      refresh: () => this.open(),
      go: (to) => {
        if (location.hash === to) void this.open();
        else location.hash = to;
      },
      say: (text) => void toast(text),
      onLeave: (act) => this.leave.push(act),
      shown: () => number === this.shown,
      places,
      find,
      mark: (setting) => (this.wanted = setting),
      recount: () => this.recount(),
    };
  }
}

/** The places of the webmail with their addresses (WEBMAIL-181). */
function placesOf(webmail: string): (readonly [href: string, icon: string, title: string])[] {
  return [
    [webmail, mail, meant("place", "Mail")],
    [`${webmail}#calendar:`, calendar, t("Calendar")],
    [`${webmail}#people:`, users, meant("place", "Contacts")],
  ];
}

async function find(name: string): Promise<MakePage> {
  return (await part<PagePart>(parts[name]!)).pages[name]!;
}

/** A page that could not be made. */
function failure(error: unknown, again: () => void): HTMLElement {
  return el(
    "div",
    { class: "page" },
    head(t("Couldn't open this page"), ""),
    notice(
      "danger",
      messageOf(error),
      el("button", { class: "btn line", type: "button", onclick: again }, t("Try again")),
    ),
  );
}

/** Read an address: the name of a page, and what follows. */
function read(hash: string): { page: string; path: string[] } {
  const [page = "", ...path] = hash.slice(1).split("/").map(decoded);
  return parts[page] === undefined ? { page: first, path: [] } : { page, path };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

watchFailures();
setStatus("");
restorePlace();
void new App().start();
