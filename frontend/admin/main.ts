// The admin app: log-in, side bar, and one page at a time. Each page has an address and is a tab of a place; pages but the
// overview are in parts.

import { Client, checks, type Happenings, once } from "../gen/admin";
import { restorePlace } from "../lib/away";
import { verify } from "../lib/check";
import { askConfirm } from "../lib/confirm";
import { setStatus } from "../lib/dialogs";
import { byId, el, fill, written } from "../lib/dom";
import { watchFailures } from "../lib/failures";
import { holdPlace } from "../lib/focus";
import { activity, globe, keyRound, logOut as leaving, mail, server, users } from "../lib/icons";
import { askLogIn } from "../lib/login";
import { logOut } from "../lib/logout";
import { button, type Place, Shell } from "../lib/pages";
import { part, reloadIfGone } from "../lib/parts";
import { confirmBack, keepApart } from "../lib/provider";
import { forgetSearches } from "../lib/searched";
import { beforeDisplay, Session } from "../lib/session";
import { steadily } from "../lib/steady";
import { toast } from "../lib/toasts";
import { keepForms } from "../lib/unsaved";
import { t } from "../lib/words";
import type { AccessPart } from "./factors/part";
import type { MovingPart } from "./moving/part";
import { failurePage, overviewPage, sessionsPage } from "./overview";
import { holdFilter } from "./ui/filters";
import { type Address, type Desk, type MakePage, type PagePart, read, withoutWords } from "./ui/page";

const base = document.location.pathname.replace(/[^/]*$/, "");

/** The places of the side bar, with their pages. */
const places: readonly Place[] = [
  { title: t("Overview"), icon: activity, about: t("Status and problems"), pages: [["overview", t("Overview")]] },
  {
    title: t("People"),
    icon: users,
    about: t("Accounts and storage"),
    pages: [
      ["accounts", t("Accounts")],
      ["move", ""],
    ],
  },
  { title: t("Domains"), icon: globe, about: t("DNS, aliases, keys"), pages: [["domains", t("Domains")]] },
  {
    title: t("Mail"),
    icon: mail,
    about: t("Queue, activity, trends"),
    pages: [
      ["queue", t("Queue")],
      ["live", t("Live")],
      ["trends", t("Trends")],
      ["reports", t("Reports")],
      ["routes", t("Routes")],
    ],
  },
  {
    title: t("Machine"),
    icon: server,
    about: t("Network, web, backups"),
    pages: [
      ["network", t("Network")],
      ["web", t("Web server")],
      ["backups", t("Backups")],
      ["standby", t("Standby server")],
      ["log", t("Log")],
      ["metrics", t("Metrics")],
      ["config", t("Configuration")],
    ],
  },
  {
    title: t("Administrators"),
    icon: keyRound,
    about: t("Login, sessions, history"),
    pages: [
      ["two-step", t("Login")],
      ["provider", t("Login provider")],
      ["sessions", t("Your sessions")],
      ["audit", t("Audit log")],
    ],
  },
];

/** The parts that pages are in. */
const parts: Readonly<Record<string, string>> = {
  accounts: "accounts",
  move: "moving",
  domains: "domains",
  queue: "queue",
  reports: "reports",
  trends: "trends",
  "two-step": "factors",
  provider: "factors",
  live: "live",
  network: "machine",
  routes: "machine",
  web: "machine",
  log: "machine",
  audit: "audit",
  metrics: "machine",
  backups: "machine",
  standby: "machine",
  config: "machine",
};

const own: Readonly<Record<string, MakePage>> = { overview: overviewPage, sessions: sessionsPage };

class App {
  private readonly client: Client = new Client(base, checks, (reason) => this.logIn(reason));
  private readonly session = new Session("moxlite-admin", t("Admin"), this.client, askLogIn, false);
  private readonly shell = new Shell(
    t("admin"),
    t("Pages"),
    places,
    el(
      "div",
      { class: "me" },
      button(t("Log out"), () => void logOut(this.session), { icon: leaving, kind: "text" }),
    ),
  );
  /** Counts the pages that were shown; a page that arrives late is not shown. */
  private shown = 0;
  private leave: (() => void)[] = [];
  private displayed = "";

  async start(): Promise<void> {
    this.client.confirmAgain = () => askConfirm(this.client);
    this.client.steady = steadily(once, 4);
    keepApart("moxlite-admin");
    const known = this.session.resume();
    void confirmBack(this.client);
    const app = byId("app", HTMLElement);
    fill(app, this.shell.root);
    addEventListener("hashchange", () => void this.open());
    this.shell.main.addEventListener("click", (event) => this.follow(event));
    if (!known) {
      // this tab may have been a former administrator's
      forgetSearches();
      await this.logIn("");
    }
    app.hidden = false;
    keepForms("moxlite-admin");
    await this.open();
  }

  private async logIn(reason: string): Promise<void> {
    await this.session.logIn(reason, [el("p", { class: "hint" }, t("The admin app is only available in English."))]);
  }

  /** Follow a link to a filtered list by an address without the words of the filter. */
  private follow(event: MouseEvent): void {
    // a bar of a chart is a link of SVG
    const address = (event.target as Element).closest("a[href^='#'][href*='?']")?.getAttribute("href") ?? null;
    if (address === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.go(address);
  }

  private go(to: string): void {
    const address = withoutWords(to);
    if (location.hash === address) void this.open();
    else location.hash = address;
  }

  /** Show the page that the address names, or the overview. */
  private async open(): Promise<void> {
    const address = read(location.hash);
    const number = ++this.shown;
    const desk = this.desk(address, number);
    let page: { title: string; root: HTMLElement };
    const leave = this.leave;
    this.leave = [];
    const filter = holdFilter(this.shell.main);
    const slow = setTimeout(() => setStatus(t("Loading…")), 300);
    try {
      const make = await find(address.page);
      page = await make(desk);
    } catch (error) {
      const from = parts[address.page];
      page = { title: t("Page not available"), root: failurePage(desk, error) };
      // a page that was just loaded would be loaded again for ever
      if (this.displayed !== "" && from !== undefined) void reloadIfGone(from);
    } finally {
      clearTimeout(slow);
      setStatus("");
    }
    for (const act of leave) act();
    if (number !== this.shown) return;
    document.title = `${written(page.title)} · moxlite admin`;
    const here = location.hash || "#";
    const filtered = listOf(this.displayed) === listOf(here) ? filter() : null;
    const again = this.displayed === here || filtered !== null;
    const top = again ? scrollY : 0;
    const giveBack = filtered ?? (again ? holdPlace(this.shell.main) : () => {});
    this.shell.show(address.page, page.root);
    giveBack();
    beforeDisplay(page.root);
    scrollTo(0, top);
    if (this.displayed !== "" && !again) page.root.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    this.displayed = here;
  }

  private desk(address: Address, number: number): Desk {
    const desk: Desk = {
      client: this.client,
      address,
      happenings: (told) => {
        verify(checks, ["ref", "Happenings"], told, "told");
        return told as Happenings;
      },
      refresh: () => this.open(),
      go: (to) => this.go(to),
      note: (to) => {
        // the page may have been left while its field waited for the end of a word
        if (number !== this.shown) return;
        this.displayed = withoutWords(to);
        window.history.replaceState(null, "", this.displayed);
      },
      count: (page, text) => this.shell.count(page, text),
      say: (text, undo) => void toast(text, undo),
      onLeave: (act) => this.leave.push(act),
      peer: (domain) => {
        const root = el("div", { class: "next", "aria-live": "polite" });
        void part<MovingPart>("moving").then((found) => fill(root, found.peer(desk, domain)));
        return root;
      },
      access: (account) => part<AccessPart>("factors").then((found) => found.access(desk, account)),
      shown: () => number === this.shown,
    };
    return desk;
  }
}

/** An address without what its list is filtered by. */
const listOf = (hash: string): string => hash.replace(/\?.*/s, "");

async function find(name: string): Promise<MakePage> {
  const here = own[name];
  if (here !== undefined) return here;
  const from = parts[name];
  const found = from === undefined ? undefined : (await part<PagePart>(from)).pages[name];
  return found ?? overviewPage;
}

watchFailures();
setStatus("");
restorePlace();
void new App().start();
