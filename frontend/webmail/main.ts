// The webmail: the stream fills the state, the state draws the panes, the keys and buttons run commands. This module makes the
// parts of the page and connects them; acting.ts, lists.ts, navigation.ts and writing.ts implement the commands.

import { Client, checks, type MessageItem, type Request, type StreamEvent } from "../gen/webmail";
import { restorePlace } from "../lib/away";
import { base, kept } from "../lib/beside";
import { codeOf } from "../lib/client";
import { CommandTable } from "../lib/commands";
import { attempt, showError } from "../lib/dialogs";
import { brand, byId, el } from "../lib/dom";
import { watchFailures } from "../lib/failures";
import { listen } from "../lib/keyboard";
import { extra, part } from "../lib/parts";
import { reload } from "../lib/reload";
import { lastScheme } from "../lib/scheme";
import { beforeDisplay, Session } from "../lib/session";
import { toast } from "../lib/toasts";
import { t } from "../lib/words";
import { acting } from "./acting";
import { handleBack } from "./back";
import type { Bar } from "./bar/part";
import type { Seen } from "./bar/seen";
import type * as ChecksPart from "./checks/part";
import type { Desk } from "./commands/desk";
import { addFindCommands } from "./commands/find";
import { addCommands } from "./commands/table";
import type { Box } from "./data/mailboxes";
import { inboxes } from "./data/queries";
import { Stream } from "./data/stream";
import type * as DroppingPart from "./dropping/part";
import { Find } from "./find";
import { lists, selection } from "./lists";
import type * as LoginPart from "./login/part";
import type * as MenuPart from "./menu/part";
import { navigation } from "./navigation";
import type * as NewslettersPart from "./newsletters/part";
import type * as OfflinePart from "./offline/part";
import { followPlace, tellPlace } from "./place";
import type * as RulesPart from "./rules/part";
import type * as SecondStepPart from "./secondstep/part";
import type * as SentPart from "./sent/part";
import type * as SidePart from "./side/part";
import { Actions } from "./state/actions";
import { parsePlace, placeOf } from "./state/address";
import { Mail } from "./state/mail";
import { spoken } from "./state/speech";
import { connectionLine } from "./ui/connection";
import { Drawer } from "./ui/drawer";
import { isOwn } from "./ui/format";
import { MessageList } from "./ui/list";
import { MailboxList } from "./ui/mailboxes";
import { layOut } from "./ui/page";
import { Panes } from "./ui/panes";
import { Places } from "./ui/places";
import { Reader } from "./ui/reader";
import { watch } from "./watch";
import { askedLink, recover, writeTo, writing } from "./writing";

class App {
  readonly base = base;
  readonly commands = new CommandTable();
  private answered = () => {};
  /** Resolves when the first list was drawn, or why it is empty: what is loaded earlier delays its rows (WEBMAIL-5). */
  private readonly drawn = new Promise<void>((resolve) => {
    // a page that is not visible has no frames
    this.answered = () => {
      if (document.hidden) return resolve();
      requestAnimationFrame(() => setTimeout(resolve));
      setTimeout(resolve, 1000); // a page that is hidden meanwhile draws no frame
    };
  });
  readonly client = new Client(base, checks, (reason) => this.logIn(reason));
  readonly session = new Session(
    kept(),
    "Webmail",
    this.client,
    async (asked) => {
      const { askLogIn } = await part<typeof LoginPart>("login");
      // for the first call of a log-in, while the user types
      addEventListener("input", () => void this.client.furtherChecks().catch(() => null), { once: true });
      return askLogIn(asked, () => part<typeof SecondStepPart>("secondstep"));
    },
    true,
    true,
  );
  readonly mail = new Mail({
    send: (request) => void this.send(request),
    opened: (parsed) => this.reader.offer(parsed),
    removed: () => toast(t("This message has been moved or deleted")),
    outdated: (version) =>
      void reload(t("A new version is available."), () =>
        location.replace(`${base}?v=${encodeURIComponent(version)}${location.hash}`),
      ),
    checking: location.hostname === "localhost",
  });
  readonly actions = new Actions(this.client, this.mail, (item, mailbox) => void this.offerRule(item, mailbox));
  readonly stream = new Stream(this.client, base, {
    event: (event) => {
      this.event(event);
      void this.drawn.then(() => this.offline()).then((found) => found?.took(event));
    },
    connection: (state) => {
      this.mail.connection.value = state;
      if (state === "on") {
        this.reader.reconnected();
      }
      // for parts, whose signals are not the page's
      dispatchEvent(new Event(state === "on" ? "connected" : "disconnected"));
      if (state === "off" && !this.displayed) void this.offline()?.then((found) => found?.showKept());
    },
    failed: (error) => void showError(t("Can't connect to the server"), error),
    opening: (polls) => this.mail.opening(polls),
    wires: () => part("wires"),
  });
  readonly mailboxes = new MailboxList({
    openMailbox: (mailbox) => this.navigation.openMailbox(mailbox),
    createMailbox: () => this.commands.run("mailbox.create"),
    mailboxMenu: (mailbox) => void this.navigation.mailboxMenu(mailbox),
  });
  readonly find = new Find(this.mail, {
    mark: (needles) => {
      this.list.mark(needles);
      this.reader.mark(needles);
    },
    leave: () => this.list.root.focus(),
    glanced: {
      client: this.client,
      settings: () => this.mail.settings.value,
      say: toast,
      open: (item) => {
        this.find.openMailbox({ id: item.mailbox_id }, item.id);
        this.list.root.focus();
      },
    },
  });
  readonly list = new MessageList(this.mail, {
    fold: () => this.mail.fold(),
    archive: () => {
      const mailbox = this.mail.boxes.withRole("archive");
      return mailbox === undefined ? null : () => this.navigation.openMailbox(mailbox);
    },
    compose: () => this.commands.run("compose.new"),
    showAll: () => this.desk.toggleUnread(),
    searchEverywhere: () => this.find.everywhere(),
    unthread: () => this.find.showThreads("off"),
    swipe: (direction) => this.panes.local[direction],
    acted: (items, action) => this.acting.act(items, action),
    menu: (items, at) => this.withMenus((found) => found.openRowMenu(at, this.list.root, this.desk, items)),
  });
  bar: Bar | null = null;
  seen: Seen | null = null;
  /** The place of the bar while rows are chosen: above the list, or below it on a phone. */
  readonly chosen = el("div", { class: "chosen-tools" });
  /** The bar above a message, which a part draws. */
  private readonly toolbar = el("div", { class: "toolbar", role: "toolbar", "aria-label": t("Actions") });
  readonly panes = new Panes(byId("app", HTMLElement));
  readonly side = el("aside", { class: "side", "aria-label": t("Folders and account") });
  readonly drawer = new Drawer(this.side);
  readonly places = new Places(this.commands, this.panes.root, this.side);
  readonly reader = new Reader(this.client, base, {
    commands: this.commands,
    bar: this.toolbar,
    chosen: this.chosen,
    framed: (page) => {
      listen(page, this.commands, () => this.displayed);
      writeTo(page, this.desk);
    },
    failed: (error) => void showError(t("Couldn't open message"), error),
    prepared: ({ messageCommands }, { addReadingCommands, Bar, Seen }) => {
      this.seen = new Seen(this.mail, this.actions, (id) => this.reader.shows(id));
      addReadingCommands(this.desk, messageCommands(this.desk));
      this.bar = new Bar(this.toolbar, {
        commands: this.commands,
        back: () => this.desk.unselect(),
        place: () => this.mail.choice.place(),
        clicked: (command) => {
          if (!this.mail.settings.value.no_show_shortcuts)
            void part<typeof MenuPart>("menu").then(
              (found) => found.hintKey(command),
              () => null,
            );
        },
        openMenu: (at, title, commands) => this.withMenus((found) => found.openBarMenu(at, this.desk, title, commands)),
      });
    },
    settings: () => this.mail.settings.value,
    remember: (...view) =>
      attempt(t("Saving…"), t("Couldn't save settings"), () => this.client.from_address_settings_save(...view)),
    menu: (item, at, commands) => this.withMenus((found) => found.openMessageMenu(at, this.desk, item, commands)),
    isOwn: (address) => isOwn(address, this.mail.facts.value),
    leave: (listed, again) =>
      attempt(t("Loading…"), t("Couldn't unsubscribe"), async () =>
        (await part<typeof NewslettersPart>("newsletters")).leave(this.desk, listed, again),
      ),
    flag: (item, flag, done) => this.actions.flagItems([item], [flag], true, { doing: () => done, done: () => done }),
    passed: (items) => this.seen?.passed(items),
    sender: (item, what, masked) => this.acting.sender(item, what, masked),
    opened: (item, place) => {
      this.seen?.opened(item);
      const box = this.mail.boxes.get(item.mailbox_id);
      if (box?.home === "" && box.roles.includes("sent")) void this.followSent(item, place);
    },
  });
  private readonly acting = acting(this);
  private readonly navigation = navigation(this);
  /** The implementation of the commands. */
  readonly desk: Desk = {
    base,
    client: this.client,
    commands: this.commands,
    actions: this.actions,
    load: part,
    extra,
    facts: () => this.mail.facts.value,
    settings: () => this.mail.settings.value,
    opened: () => this.reader.opened(),
    reading: () => this.reader.current(),
    focusMessage: () => this.reader.focus(),
    scrollMessage: (screens) => this.reader.scroll(screens),
    ...selection(this.mail),
    ...lists(this),
    ...this.acting,
    ...this.navigation,
    ...writing(this),
  };
  private rules: typeof RulesPart | null = null;
  displayed = false;
  /** Reports that the page is not connected: above the list, and before the first list in the middle of the window. */
  private readonly line = connectionLine(this.mail, this.stream);
  private readonly waiting = el("div", { class: "waiting" }, brand(), this.line);

  start(): void {
    // but for the answer of a login provider, which the log-in takes
    if (!/^$|state=/.test(location.search)) history.replaceState(null, "", base + location.hash);
    this.mail.settings.value = { ...this.mail.settings.value, language: spoken(), color_scheme: lastScheme() };
    const known = this.session.resume();
    const place = parsePlace(location.hash);
    this.mail.wanted = place.message;
    this.mail.begin(this.find.named(place.name || "Inbox", place.inboxes ? inboxes : 0));
    const ready = place.search === "" ? Promise.resolve() : this.find.search(place.search, 0, true);
    addEventListener("hashchange", () => this.pageAsked() || followPlace(this.mail, this.find));
    addCommands(this.desk);
    addFindCommands(this.desk);
    listen(document, this.commands, () => this.displayed && document.querySelector("dialog[open]") === null);
    writeTo(document, this.desk);
    layOut(byId("app", HTMLElement), this);
    watch(this);
    handleBack({ drawer: this.drawer, desk: this.desk, tellPlace: () => tellPlace(this.mail, this.find) });
    this.client.furtherChecks = () => part<typeof ChecksPart>("checks");
    this.client.confirmAgain = async () => (await part<typeof SecondStepPart>("secondstep")).askConfirm(this.client);
    if (known && /state=/.test(location.search))
      void extra<typeof SecondStepPart>("secondstep").then((found) => found.confirmBack(this.client));
    // calls of the stream itself are handled by the stream
    this.client.unanswered = (call) => call !== "token" && call !== "request" && this.stream.suspect();
    document.body.append(this.waiting);
    // what waits in this browser is read before the first answer, which can end the session and make the browser forget it
    const read = localStorage.getItem(`${kept()}-offline`) === null ? ready : this.offline();
    // without a token there can be no session: the form comes first
    const begun = known ? ready : Promise.resolve(read).then(() => this.logIn(""));
    void Promise.all([begun, read, ready]).then(() => this.stream.start());
  }

  openAccount(at: HTMLElement): void {
    this.withMenus((found) => found.openAccountMenu(at, this.desk));
  }

  openListMenu(at: HTMLElement): void {
    this.withMenus(async (found) => {
      // for its commands
      await this.reader.prepare();
      found.openListMenu(at, this.desk);
    });
  }

  private withMenus(open: (found: typeof MenuPart) => unknown): void {
    void attempt(t("Loading…"), t("Couldn't open this item"), async () => open(await part("menu")));
  }

  /** Show the form and log in. */
  private async logIn(reason: string): Promise<void> {
    const waiting = (await (await this.keeping)?.atLogIn()) ?? [];
    if ((await this.session.logIn(reason, waiting)) && this.displayed) await this.session.leave();
  }

  /** Make the page visible, once, when there is something to see. Custom scripts are called before. */
  private display(): void {
    if (this.displayed) return;
    this.displayed = true;
    const root = byId("app", HTMLElement);
    beforeDisplay(root);
    this.waiting.remove();
    this.list.band.prepend(this.line);
    root.hidden = false;
    this.list.root.focus();
    recover(this.desk);
    this.pageAsked();
    void this.drawn.then(() => this.complete());
  }

  /** Load what the list does not need; a failure matters when it is used. */
  private complete(): void {
    void this.reader.awaited(() => true).catch(() => null);
    void part("conversation").catch(() => null);
    void extra<typeof SidePart>("side").then((found) => found.complete(this));
  }

  private readonly dropping = this.drawn
    .then(() => extra<typeof DroppingPart>("dropping"))
    .then(({ Dropping }) => new Dropping(this));

  private keeping?: Promise<OfflinePart.Offline | undefined>;

  /** What works without a connection; undefined where the browser has nothing for it. */
  offline() {
    if (isSecureContext && "serviceWorker" in navigator)
      this.keeping ??= part<typeof OfflinePart>("offline").then(
        ({ Offline }) =>
          new Offline({ client: this.client, base, mail: this.mail, say: toast, event: (event) => this.event(event) }),
        () => (this.keeping = undefined),
      );
    return this.keeping;
  }

  private event(event: StreamEvent): void {
    this.mail.take(event);
    if (event.kind === "importing" || event.kind === "alarms") void this.dropping.then((found) => found.took(event));
    if (event.kind === "start") {
      this.display();
      this.find.known();
    } else if (
      event.kind === "view_msgs" ||
      event.kind === "view_err" ||
      (event.kind === "view_progress" && event.done)
    )
      this.answered();
  }

  private async send(request: Request): Promise<void> {
    if (this.stream.asks(request)) return;
    try {
      await this.client.request({ ...request, stream_id: this.mail.streamId });
    } catch (error) {
      // the next connection requests the view
      this.stream.lost();
      // an unreachable server is reported by its own line, and a lost stream is replaced
      if (codeOf(error) !== "" && codeOf(error) !== "user:notFound")
        await showError(t("Couldn't load messages"), error);
    }
  }

  /** WEBMAIL-101; no rule to offer is not an error. */
  private async offerRule(item: MessageItem, to: Box): Promise<void> {
    const from = this.mail.boxes.get(item.mailbox_id);
    if (from === undefined || from.home + to.home !== "" || from.roles.length + to.roles.length > 0) return;
    const [turn, query] = [this.actions.done.value, this.mail.query.value];
    this.rules = await part<typeof RulesPart>("rules");
    await this.rules.offerRule(
      this.client,
      item.id,
      from,
      to,
      () => turn === this.actions.done.value && query === this.mail.query.value,
    );
  }

  private async followSent(item: MessageItem, place: HTMLElement): Promise<void> {
    const { follow } = await part<typeof SentPart>("sent");
    await follow(this.client, item, place);
  }

  /** Open a place other than mail, or a composer, if the address asks for one. */
  private pageAsked(): boolean {
    const place = placeOf(location.hash);
    if (place !== "") {
      this.desk.openPage(place);
      return true;
    }
    this.places.show(null);
    const link = askedLink();
    if (link === "") return false;
    tellPlace(this.mail, this.find);
    this.desk.compose("new", link);
    return true;
  }

  withdrawRule(): void {
    this.rules?.withdraw();
  }
}

watchFailures();
restorePlace();
new App().start();
