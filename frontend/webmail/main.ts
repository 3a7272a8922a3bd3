// The webmail: the stream fills the state, the state draws the panes, the keys and buttons run commands. It is longer than 600
// lines because it is the only place that connects the parts, each in a few lines.

import { Client, type Mailbox, type MessageItem, type Request, type StreamEvent, checks } from "../gen/webmail";
import { codeOf } from "../lib/client";
import { CommandTable, enabled } from "../lib/commands";
import { attempt, showError } from "../lib/dialogs";
import { brand, byId, el } from "../lib/dom";
import { listen, typedUntil } from "../lib/keyboard";
import { part } from "../lib/parts";
import { type Scheme, paint } from "../lib/scheme";
import { Session, beforeDisplay } from "../lib/session";
import { effect, signal } from "../lib/signal";
import { toast, type Toast } from "../lib/toasts";
import { many, t } from "../lib/words";
import { addComposeCommands, composeBar } from "./commands/compose";
import type { Desk, OpenMessage, Order, Page, Refinement, RowAction, Threading } from "./commands/desk";
import { addFindCommands } from "./commands/find";
import { addCommands, barCommands, rowCommands, senderCommands } from "./commands/table";
import type { Kind } from "./compose/kinds";
import type * as ComposePart from "./compose/part";
import { allows, own, type Role } from "./data/mailboxes";
import { Stream } from "./data/stream";
import type * as LabelsPart from "./labels/part";
import type * as LoginPart from "./login/part";
import type * as ExportPart from "./export/part";
import type { Exported } from "./export/part";
import { Find } from "./find";
import type * as HintsPart from "./hints/part";
import type * as LaterPart from "./later/part";
import type * as MenuPart from "./menu/part";
import type * as MailboxesPart from "./mailboxes/part";
import type * as PeoplePart from "./people/part";
import type * as OfflinePart from "./offline/part";
import type * as PalettePart from "./palette/part";
import { followPlace, tellPlace, tellTitle } from "./place";
import type * as RulesPart from "./rules/part";
import type * as SenderPart from "./sender/part";
import type { AboutSender } from "./sender/part";
import type * as SentPart from "./sent/part";
import type * as SettingsPart from "./settings/part";
import type * as SortingPart from "./sorting/part";
import { Actions } from "./state/actions";
import type * as TouchPart from "./touch/part";
import { parsePlace } from "./state/address";
import { type Counts, type How, Mail } from "./state/mail";
import { leavesOthers } from "./state/others";
import type { AllSettings } from "./state/settings";
import { speak, spoken } from "./state/speech";
import { Bar, type OpenMenu } from "./ui/bar";
import { connectionLine } from "./ui/connection";
import { Drawer } from "./ui/drawer";
import { bareAddress } from "./ui/format";
import { MessageList } from "./ui/list";
import { MailboxList } from "./ui/mailboxes";
import { layOut } from "./ui/page";
import { Panes } from "./ui/panes";
import { Reader } from "./ui/reader";

/** Key in the browser's storage for the last scheme, used until the settings arrive. */
const schemeKey = "moxlite-webmail-scheme";
/** ms that an unjudged message is shown before the junk filter learns that it is wanted (WEBMAIL-81). */
const notJunkAfter = 5000;
/** ms after which a server that does not answer the first call of a connection is given up. */
const connectDeadline = 10_000;
const base = document.location.pathname.replace(/[^/]*$/, "");

/** Whether messages of others are rarely moved to this mailbox. */
function unlikely(mailbox: Mailbox): boolean {
  return mailbox.roles.includes("draft") || mailbox.roles.includes("sent");
}

function mailboxDialogs(): Promise<typeof MailboxesPart> {
  return part<typeof MailboxesPart>("mailboxes");
}

class App implements Desk {
  readonly base = base;
  readonly commands = new CommandTable();
  readonly client = new Client(base, checks, (reason) => this.logIn(reason));
  private readonly session = new Session(
    "webmail",
    "Webmail",
    this.client,
    async (...asked) => (await part<typeof LoginPart>("login")).askLogIn(...asked),
    true,
    true,
  );
  readonly mail = new Mail({
    send: (request) => void this.send(request),
    opened: (parsed) => this.reader.offer(parsed),
    removed: () => toast(t("The message was moved or deleted elsewhere")),
    outdated: (version) => this.renew(version),
    checking: location.hostname === "localhost",
  });
  readonly actions = new Actions(this.client, this.mail, (item, mailbox) => void this.offerRule(item, mailbox));
  readonly stream = new Stream(this.client, base, {
    event: (event) => {
      this.event(event);
      void this.offline()?.then((found) => found?.took(event));
    },
    connection: (state) => {
      this.mail.connection.value = state;
      if (state === "on") this.reader.reconnected();
      if (state === "off" && !this.displayed) void this.offline()?.then((found) => found?.showKept());
    },
    failed: (error) => void showError(t("The connection to the server failed"), error),
    opening: () => this.mail.opening(),
  });
  readonly mailboxes = new MailboxList({
    openMailbox: (mailbox) => this.openMailbox(mailbox),
    createMailbox: () => this.commands.run("mailbox.create"),
    mailboxMenu: (mailbox) => void this.mailboxMenu(mailbox),
    dropMessages: (mailbox) => {
      const { dragged } = this.list;
      if (dragged === null) this.actions.move(mailbox, false);
      else this.actions.moveItems(dragged, mailbox, false);
    },
  });
  readonly find = new Find(this.mail, {
    mark: (needles) => {
      this.list.mark(needles);
      this.reader.mark(needles);
    },
    leave: () => this.list.root.focus(),
    glanced: {
      client: this.client,
      settings: () => this.settings(),
      say: toast,
      open: (item) => {
        this.find.openMailbox({ id: item.mailbox_id }, item.id);
        this.list.root.focus();
      },
    },
  });
  readonly list = new MessageList(this.mail, {
    fold: () => this.fold(),
    archive: () => {
      const mailbox = this.mail.boxes.withRole("archive", "");
      return mailbox === undefined ? null : () => this.openMailbox(mailbox);
    },
    compose: () => this.commands.run("compose.new"),
    showAll: () => this.toggleUnread(),
    searchEverywhere: () => this.find.everywhere(),
    unthread: () => this.showThreads("off"),
    swiped: (items, direction) => this.swiped(items, direction),
    acted: (items, action) => this.act(items, action),
    menu: (items, at) =>
      void attempt(t("Opening the menu"), async () =>
        (await part<typeof MenuPart>("menu")).openMenuAt(
          at,
          this.list.root,
          t("Actions for this row"),
          rowCommands(this, items).filter(enabled),
        ),
      ),
  });
  private readonly bar = new Bar(
    this.commands,
    [...composeBar, ...barCommands],
    () => this.unselect(),
    (command) => {
      if (!this.settings().no_show_shortcuts)
        void part<typeof MenuPart>("menu").then(
          (found) => found.hintKey(command),
          () => null,
        );
    },
    (...asked) => this.openMenu(...asked),
  );
  readonly panes = new Panes(byId("app", HTMLElement));
  readonly side = el("aside", { class: "side", "aria-label": t("Mailboxes and account") });
  readonly drawer = new Drawer(this.side);
  readonly reader = new Reader(this.client, base, {
    bar: this.bar.root,
    framed: (page) => {
      listen(page, this.commands, () => this.displayed);
      this.writeTo(page);
    },
    failed: (error) => void showError(t("Opening the message failed"), error),
    prepared: ({ messageCommands }) => this.commands.add(t("Message"), messageCommands(this)),
    settings: () => this.settings(),
    remember: (address, mode) =>
      attempt(t("Saving the choice for this sender"), () => this.client.from_address_settings_save(address, mode)),
    menu: (item, at, commands) =>
      this.openMenu(at, t("More for this message"), [...commands, ...senderCommands(this, () => item)].filter(enabled)),
    isOwn: (address) =>
      this.facts().addresses.includes(bareAddress(address)) || this.facts().login_address === bareAddress(address),
    leaving: {
      leave: (id, byPost) => this.client.unsubscribe(id, byPost),
      write: (link, id) => this.compose("new", link, id),
      block: (item) => this.sender(item, "block"),
    },
    opened: (item, place) => {
      // WEBMAIL-81
      if (this.mail.conversation.value === null) this.unread();
      if (this.may("s")) this.after(this.settings().mark_seen_ms, item.id, ["\\seen"]);
      const box = this.mail.boxes.get(item.mailbox_id);
      const { rejects_mailbox, introbox } = this.facts();
      // the server has put these messages aside: opening them does not mean that they are wanted
      if (box?.owner === "" && box.name !== rejects_mailbox && box.name !== introbox)
        this.after(notJunkAfter, item.id, ["$notjunk", "$junk", "\\draft"]);
      if (box?.owner === "" && box.roles.includes("sent")) void this.followSent(item, place);
    },
  });
  private rules: typeof RulesPart | null = null;
  private timers: number[] = [];
  private displayed = false;
  /** Reports that the page is not connected: above the list, and before the first list in the middle of the window. */
  private readonly line = connectionLine(this.mail, this.stream);
  private readonly waiting = el("div", { class: "waiting" }, brand(), this.line);

  start(): void {
    if (location.search !== "") history.replaceState(null, "", base + location.hash);
    const scheme = localStorage.getItem(schemeKey);
    this.mail.settings.value = { ...this.settings(), language: spoken() };
    if (scheme === "light" || scheme === "dark")
      this.mail.settings.value = { ...this.settings(), color_scheme: scheme satisfies Scheme };
    const known = this.session.resume();
    const place = parsePlace(location.hash);
    this.mail.wanted = place.message;
    this.mail.begin(this.find.named(place.name || "Inbox"));
    const ready = place.search === "" ? Promise.resolve() : this.find.search(place.search, 0, true);
    addEventListener("hashchange", () => this.writeAsked() || followPlace(this.mail, this.find));
    addEventListener("beforeunload", (event) => {
      // actions on their way to the server would be lost
      if (this.mail.pending.busy) event.preventDefault();
    });
    addCommands(this);
    addComposeCommands(this);
    addFindCommands(this);
    listen(document, this.commands, () => this.displayed && document.querySelector("dialog[open]") === null);
    this.writeTo(document);
    layOut(byId("app", HTMLElement), this);
    this.watch();
    this.client.deadlines = { token: connectDeadline };
    this.client.confirmAgain = async () =>
      (await part<typeof LoginPart>("login")).askConfirm(
        this.client,
        t("This takes mail out of the account, so give your password again."),
      );
    // calls of the stream itself are handled by the stream
    this.client.unanswered = (call) => call !== "token" && call !== "request" && this.stream.suspect();
    document.body.append(this.waiting);
    // without a token there can be no session: the form comes first
    void (known ? ready : this.logIn("").then(() => ready)).then(() => this.stream.start());
  }

  /** Draw the page when the state changes. While a pointer is down, elements below it are not drawn again, so that the click
   * arrives. */
  private watch(): void {
    const held = signal(false);
    let release = 0;
    addEventListener(
      "pointerdown",
      () => {
        clearTimeout(release);
        held.value = true;
      },
      true,
    );
    // the click event comes after pointerup, in the same task
    for (const kind of ["pointerup", "pointercancel"])
      addEventListener(kind, () => (release = window.setTimeout(() => (held.value = false))), true);
    effect(() => {
      if (held.value) return;
      this.mailboxes.draw(this.mail.mailboxes.value, this.mail.current.value?.id ?? 0);
    });
    effect(() => {
      const { searches } = this.settings();
      const active = this.find.text.value;
      this.mailboxes.searches.hidden = searches.length === 0;
      const find = (text: string) => {
        this.drawer.close();
        void this.find.search(text);
      };
      if (searches.length > 0)
        void mailboxDialogs().then(
          (found) =>
            found.drawSearches(this.mailboxes.searches, searches, active, this.client, () => this.settings(), find),
          () => null,
        );
    });
    effect(() => {
      const mailboxes = this.mail.mailboxes.value;
      // the mailbox that was shown is gone
      if (
        this.displayed &&
        mailboxes.length > 0 &&
        this.mail.current.value === undefined &&
        (this.mail.query.value.filter.mailbox_id ?? 0) > 0
      )
        this.openInbox();
    });
    effect(() => {
      const { color_scheme, single_keys, language } = this.settings();
      paint(color_scheme);
      if (spoken() !== language && speak(language))
        this.reload(() => location.reload(), t("The language changes when the page is loaded again."));
      localStorage.setItem(schemeKey, color_scheme);
      this.commands.letters = single_keys;
    });
    effect(() => {
      void this.actions.done.value;
      void this.mail.query.value;
      this.rules?.withdraw();
    });
    effect(() => tellTitle(this.mail, this.find));
    effect(() =>
      this.read(
        this.mail.shown.value,
        this.mail.selectedCount.value > 0 ? this.mail.selectedCounts.value : null,
        this.mail.conversation.value,
      ),
    );
    effect(() => {
      if (held.value) return;
      void this.mail.rows.value;
      void this.mail.selection.value;
      void this.mail.mailboxes.value;
      void this.find.threading.value;
      this.bar.draw();
    });
    effect(() => tellPlace(this.mail, this.find));
  }

  /** Show the selected message, or its thread, or how many are selected. */
  private read(item: MessageItem | null, selected: Counts | null, thread: readonly MessageItem[] | null): void {
    document.body.classList.toggle("show-message", item !== null || thread !== null);
    document.body.classList.toggle("choosing", selected !== null && item === null && thread === null);
    if (item === null) {
      this.unread();
      this.reader.showNothing(selected);
    } else if (thread !== null) this.reader.showThread(thread, item.id);
    else this.reader.show(item);
  }

  /** After `wait` milliseconds set the first of these flags on a message, if it is still shown and has none of them. */
  private after(wait: number, id: number, flags: readonly string[]): void {
    if (wait < 0) return;
    this.timers.push(
      window.setTimeout(() => {
        const { items, lines } = this.mail.rows.value;
        const item =
          items.find((one) => one.id === id) ??
          [...lines.values()].flatMap((line) => line.members).find((one) => one.id === id);
        if (item !== undefined && !flags.some((flag) => item.flags.includes(flag)) && this.reader.shows(id))
          this.actions.looked(item, flags[0]!);
      }, wait),
    );
  }

  /** Cancel flags that the shown message would get by being shown longer. */
  private unread(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers = [];
  }

  openMenu(...asked: Parameters<OpenMenu>): void {
    void attempt(t("Opening the menu"), async () => (await part<typeof MenuPart>("menu")).openMenu(...asked));
  }

  /** Show the form and log in. */
  private async logIn(reason: string): Promise<void> {
    if ((await this.session.logIn(reason)) && this.displayed) location.reload();
  }

  /** Make the page visible, once, when there is something to see. Custom scripts are called before. */
  private display(): void {
    if (this.displayed) return;
    this.displayed = true;
    const root = byId("app", HTMLElement);
    beforeDisplay(root);
    this.waiting.remove();
    this.list.root.before(this.line);
    root.hidden = false;
    this.list.root.focus();
    this.recover();
    this.writeAsked();
    // it will be needed; a failure matters only then
    void this.reader.prepare().catch(() => null);
    void part("conversation").catch(() => null);
    if (!(Number(localStorage.getItem("moxlite-webmail-hints")) >= 3))
      void part<typeof HintsPart>("hints").then(
        (found) => found.showHints(this.list.root),
        () => null,
      );
    void part<typeof SortingPart>("sorting").then(
      (found) => found.showNotices(this.client, this.list.root, this.mail.facts.value.account_path),
      () => null,
    );
    if (navigator.maxTouchPoints > 0)
      void part<typeof TouchPart>("touch").then(
        (found) => this.list.pushable(found),
        () => null,
      );
  }

  private newer?: Toast;

  /** WEBMAIL-12: reload the page for a new version, but not while the user writes. The text of composers is saved and
   * restored. */
  private renew(version: string): void {
    const load = () => location.replace(`${base}?v=${encodeURIComponent(version)}${location.hash}`);
    this.reload(load, t("The server has a newer version of this page."));
  }

  private reload(load: () => void, words: string): void {
    if (document.querySelector(".composer") === null) load();
    else this.newer ??= toast(words, { title: t("Load it"), run: load }, 0);
  }

  private keeping?: Promise<OfflinePart.Offline | undefined>;

  /** What works without a connection; undefined where the browser has nothing for it. */
  private offline() {
    if (isSecureContext && "serviceWorker" in navigator)
      this.keeping ??= part<typeof OfflinePart>("offline").then(
        ({ Offline }) =>
          new Offline({ client: this.client, base, mail: this.mail, say: toast, event: (event) => this.event(event) }),
        () => undefined,
      );
    return this.keeping;
  }

  private event(event: StreamEvent): void {
    this.mail.take(event);
    if (event.kind === "start") {
      this.display();
      this.find.known();
    }
  }

  private async send(request: Request): Promise<void> {
    try {
      await this.client.request({ ...request, stream_id: this.mail.streamId });
    } catch (error) {
      // the next connection requests the view
      this.stream.lost();
      // an unreachable server is reported by its own line, and a lost stream is replaced
      if (codeOf(error) !== "" && codeOf(error) !== "user:notFound")
        await showError(t("Loading messages failed"), error);
    }
  }

  private openMailbox(mailbox: Mailbox): void {
    this.drawer.close();
    this.find.openMailbox(mailbox);
  }

  private async mailboxMenu(mailbox: Mailbox): Promise<void> {
    const parent = this.mail.mailboxes.value.some((other) => other.name.startsWith(`${mailbox.name}/`));
    const { mailboxMenu } = await mailboxDialogs();
    await mailboxMenu(this.client, mailbox, parent, (what) => this.export(what));
  }

  private async export(what: Exported): Promise<void> {
    const { exportMail } = await part<typeof ExportPart>("export");
    await exportMail(this.client, base, what);
  }

  // The desk: the implementation of the commands.

  facts() {
    return this.mail.facts.value;
  }

  settings(): AllSettings {
    return this.mail.settings.value;
  }

  async findCommand(): Promise<void> {
    const [palette, typed] = await typedUntil(part<typeof PalettePart>("palette"));
    await palette.openPalette(this.commands, typed);
  }

  async showKeys(): Promise<void> {
    const [palette, writing] = await Promise.all([
      part<typeof PalettePart>("palette"),
      part<typeof ComposePart>("compose"),
    ]);
    writing.addKeys(this);
    await this.reader.prepare();
    await palette.showKeys(this.commands);
  }

  async showTitles(): Promise<void> {
    const at = document.activeElement ?? document.body;
    await (await part<typeof PalettePart>("palette")).showTitles(at);
  }

  openSettings(): void {
    void attempt(t("Opening the settings"), async () =>
      (await part<typeof SettingsPart>("settings")).openSettings(this),
    );
  }

  openPage(name: Page): void {
    this.drawer.close();
    void attempt(t("Opening the page"), async () => (await part<{ openPage(desk: Desk): void }>(name)).openPage(this));
  }

  shown(): MessageItem | null {
    return this.mail.shown.value;
  }

  selected(): MessageItem[] {
    return this.mail.selected();
  }

  selectedCount(): number {
    return this.mail.selectedCount.value;
  }

  inRole(role: Role): boolean {
    return this.mail.inRole(role);
  }

  may(rights: string, role?: Role): boolean {
    return this.mail.may(rights, role);
  }

  undoable(): string {
    return this.actions.undoable.value;
  }

  undo(): void {
    this.actions.undo();
  }

  moveFocus(by: number, how: How): void {
    this.mail.moveFocus(by, how);
    this.list.reveal();
  }

  toggleFocused(): void {
    this.mail.toggleFocused();
  }

  selectAll(): void {
    this.mail.selectAll();
  }

  unselect(): void {
    this.mail.unselect();
    this.list.root.focus();
  }

  nextUnread(): void {
    this.mail.nextUnread();
  }

  toRole(role: Role, items?: readonly MessageItem[]): void {
    this.unread();
    if (!this.actions.toRole(role, items)) void this.offerMissing(role);
  }

  archiveThread(): void {
    this.toRole("archive", this.mail.readThread());
  }

  /** Act on the messages of a row, without opening another message. */
  act(items: readonly MessageItem[], action: RowAction): void {
    if (action === "later") this.later((found) => found.putOff(this, items));
    else if (action === "archive") this.swiped(items, "right");
    else if (action === "trash") this.swiped(items, "left");
    else if (this.mail.may("s", undefined, items)) {
      const unread = items.some((item) => !item.flags.includes("\\seen"));
      this.actions.flagItems(items, ["\\seen"], unread, {
        doing: () => (unread ? t("Marking read") : t("Marking unread")),
        done: () => (unread ? t("Marked read") : t("Marked unread")),
      });
    }
  }

  /** A row was swiped: archive its messages or move them to the trash, as `a` and `d` do, without opening another message. */
  private swiped(items: readonly MessageItem[], direction: "left" | "right"): void {
    const role = direction === "right" ? "archive" : "trash";
    if (role === "trash" && (this.inRole("trash") || this.inRole("draft"))) {
      if (this.mail.may("te", undefined, items)) void this.deleteForGood(items);
    } else if (!this.inRole(role) && this.mail.may("te", role, items)) this.toRole(role, items);
  }

  private async offerMissing(role: Role): Promise<void> {
    const [{ offerRole }, { pick }] = await Promise.all([mailboxDialogs(), part<typeof PalettePart>("palette")]);
    await offerRole(this.client, role, this.mail.mailboxes.value, pick);
  }

  async chooseMove(): Promise<void> {
    const [{ chooseMailbox }, typed] = await typedUntil(part<typeof PalettePart>("palette"));
    const here = this.mail.current.value?.id;
    const chosen = await chooseMailbox(
      t("Move to"),
      // unlikely targets come last
      this.mail.mailboxes.value
        .filter((mailbox) => mailbox.id !== here && allows(mailbox, "i"))
        .sort((a, b) => Number(unlikely(a)) - Number(unlikely(b))),
      typed,
    );
    if (chosen !== null) this.actions.move(chosen, false);
  }

  async deleteForGood(items?: readonly MessageItem[]): Promise<void> {
    this.unread();
    const { confirmDelete } = await mailboxDialogs();
    const few = items && { messages: items.length, conversations: items.length };
    const asked = few
      ? confirmDelete(few, false)
      : confirmDelete(this.mail.selectedCounts.value, leavesOthers(this.mail));
    if (await asked) this.actions.deleteForGood(items);
  }

  flag(flags: string[], add: boolean): void {
    this.unread();
    this.actions.flag(flags, add, {
      doing: (n) => many(n, "Changing the message", "Changing {n} messages"),
      done: (n) => many(n, "Message changed", "{n} messages changed"),
    });
  }

  notJunk(): void {
    const inbox = this.mail.boxes.named("Inbox");
    // the account's own rules mark and train messages that are moved out of Junk (WEBMAIL-82)
    if (this.inRole("junk") && this.may(own) && inbox !== undefined) this.actions.move(inbox, false);
    else this.flag(["$junk"], false);
  }

  openMailboxMenu(): void {
    const mailbox = this.mail.current.value;
    if (mailbox !== undefined) void this.mailboxMenu(mailbox);
  }

  chooseLabels(number = 0): void {
    void attempt(t("Choosing labels"), async () =>
      (await part<typeof LabelsPart>("labels")).chooseLabels(this.client, this.mail, this.actions, number),
    );
  }

  later(run: (found: typeof LaterPart) => Promise<void>): void {
    void attempt(t("Choosing a time"), async () => run(await part<typeof LaterPart>("later")));
  }

  toggleLabel(number: number): void {
    this.chooseLabels(number);
  }

  exportSelection(): void {
    void attempt(t("Exporting"), async () =>
      (await part<typeof ExportPart>("export")).exportSelected(this.client, base, this.mail),
    );
  }

  opened(): OpenMessage | null {
    return this.reader.opened();
  }

  focusMessage(): void {
    this.reader.focus();
  }

  reading(): MessageItem | null {
    return this.reader.current();
  }

  sender(item: MessageItem, what: AboutSender): void {
    void part<typeof SenderPart>("sender").then((found) =>
      found.act(item, what, {
        client: this.client,
        mail: this.mail,
        actions: this.actions,
        search: (text) => void this.find.search(text, 0),
        contact: async (name, address) => (await part<typeof PeoplePart>("people")).addSender(this, name, address),
        choose: async (title, among) => (await part<typeof PalettePart>("palette")).chooseMailbox(title, among),
        offerRole: (role) => void this.offerMissing(role),
        say: toast,
      }),
    );
  }

  scrollMessage(screens: number): void {
    this.reader.scroll(screens);
  }

  compose(kind: Kind, mailto = "", leaves = 0): void {
    this.drawer.close();
    const selection = getSelection();
    const selected = selection !== null && this.reader.root.contains(selection.anchorNode) ? selection.toString() : "";
    const item = kind === "new" ? null : this.reader.current();
    void attempt(t("Writing"), async () => {
      const [, typed] = await typedUntil(
        part<typeof ComposePart>("compose").then((found) =>
          found.compose(this, toast, kind, item, selected, mailto, leaves),
        ),
      );
      document.execCommand("insertText", false, typed);
    });
  }

  readonly load = part;

  dock(...asked: Parameters<Reader["dock"]>): boolean {
    return this.reader.dock(...asked);
  }

  /** WEBMAIL-101; no rule to offer is not an error. */
  private async offerRule(item: MessageItem, to: Mailbox): Promise<void> {
    const from = this.mail.boxes.get(item.mailbox_id);
    if (from === undefined || from.owner + to.owner !== "" || from.roles.length + to.roles.length > 0) return;
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

  /** `#compose mailto:…` opens a composer (WEBMAIL-63); true if the address has that form. */
  private writeAsked(): boolean {
    const asked = /^#compose(?: |%20)(.+)$/.exec(location.hash)?.[1];
    if (asked === undefined) return false;
    history.replaceState(null, "", location.pathname + location.search);
    tellPlace(this.mail, this.find);
    this.compose("new", /^mailto%3a/i.test(asked) ? decodeURIComponent(asked) : asked);
    return true;
  }

  /** Open the composer for mailto: links in messages (WEBMAIL-79). */
  private writeTo(page: Document): void {
    page.addEventListener("click", (event) => {
      // an element in a frame has that frame's classes
      const link = (event.target as Element | null)?.closest("a[href]")?.getAttribute("href") ?? "";
      if (!/^mailto:/i.test(link)) return;
      event.preventDefault();
      this.compose("new", link);
    });
  }

  /** Open composers for messages that a killed page has left. */
  private recover(): void {
    if (!Object.keys(localStorage).some((key) => key.startsWith("moxlite-webmail-draft-"))) return;
    void attempt(t("Recovering a draft"), async () => (await part<typeof ComposePart>("compose")).recover(this, toast));
  }

  openInbox(): void {
    const inbox = this.mail.boxes.named("Inbox");
    if (inbox !== undefined) this.openMailbox(inbox);
  }

  async createMailbox(): Promise<void> {
    await (await mailboxDialogs()).createMailbox(this.client);
  }

  toggleUnread(): void {
    this.find.refine(this.find.refinement.value === "unread" ? "" : "unread");
  }

  searching(): "" | "running" | "done" {
    const searching = this.mail.searching.value;
    return searching === null || this.find.text.value === "" ? "" : searching.done ? "done" : "running";
  }

  focusSearch(): void {
    this.find.bar.input.focus();
    this.find.bar.input.select();
  }

  stopSearch(): void {
    this.mail.stopSearch();
  }

  endSearch(): void {
    this.find.bar.end();
  }

  refinement(): Refinement {
    return this.find.refinement.value;
  }

  refine(to: Refinement): void {
    this.find.refine(to);
  }

  order(): Order {
    return this.find.order.value;
  }

  sort(order: Order): void {
    this.find.sort(order);
  }

  threading(): Threading {
    return this.find.threading.value;
  }

  showThreads(how: Threading): void {
    this.find.showThreads(how);
  }

  moveThread(by: 1 | -1): void {
    this.mail.moveThread(by);
    this.list.reveal();
  }

  selectThread(): void {
    this.mail.selectThread();
  }

  fold(expand?: boolean): void {
    this.mail.fold(expand);
  }

  allMuted(): boolean {
    return this.mail.selected().every((item) => item.thread_muted);
  }

  toggleMute(): void {
    this.actions.mute(!this.allMuted());
  }

  /** The setting of mail on this device; null in a browser without it. */
  async offlineChoice(): Promise<HTMLElement | null> {
    return (await this.offline())?.choice() ?? null;
  }

  async logOut(): Promise<void> {
    if ((await (await this.offline())?.mayLeave()) === false) return;
    this.stream.stop();
    await this.session.logOut();
  }
}

addEventListener(
  "error",
  (event) => void showError(t("Something went wrong in this page"), event.error ?? event.message),
);
addEventListener("unhandledrejection", (event) => void showError(t("Something went wrong in this page"), event.reason));
if (new URLSearchParams(location.search).has("v")) history.replaceState(null, "", `${base}${location.hash}`);
new App().start();
