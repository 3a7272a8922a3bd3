// The webmail: the stream fills the model, the model draws the panes, the keys and buttons make calls.

import { Client, type Mailbox, type MessageItem, type Query, type StreamEvent, checks } from "../gen/webmail";
import { CommandTable, enabled, hintOf, titleOf } from "../lib/commands";
import { ask, attempt, confirm, dialog, setStatus, showError } from "../lib/dialogs";
import { brand, byId, el, fill } from "../lib/dom";
import { listen } from "../lib/keyboard";
import { part } from "../lib/parts";
import { Session, beforeDisplay } from "../lib/session";
import type { Desk } from "./commands/desk";
import { addCommands, barCommands } from "./commands/table";
import { Model, type Role } from "./data/model";
import { Stream } from "./data/stream";
import type * as ExportPart from "./export/part";
import type { Exported } from "./export/part";
import { MessageList } from "./ui/list";
import { MailboxList } from "./ui/mailboxes";
import { MessageView } from "./ui/message";

const markSeenAfter = 500;
const base = document.location.pathname.replace(/[^/]*$/, "");

class App implements Desk {
  readonly client = new Client(base, checks, (reason) => this.logIn(reason));
  readonly base = base;
  readonly commands = new CommandTable();
  private readonly session = new Session("webmail", "Webmail", this.client);
  private readonly stream = new Stream(this.client, base, {
    event: (event) => this.take(event),
    connection: (connected) => this.connection(connected),
    failed: (error) => void showError("The connection to the server failed", error),
    opening: () => this.opening(),
  });
  private readonly model = new Model({
    mailboxesChanged: () => this.drawMailboxes(),
    itemAdded: (item, index) => {
      this.list.insert(item, index);
      this.note();
    },
    itemsAppended: (items) => {
      this.list.append(items);
      this.note();
    },
    itemRemoved: (item, index) => {
      this.list.remove(item, index);
      this.note();
    },
    itemChanged: (item) => {
      this.list.update(item);
      if (this.reader.current()?.id === item.id) this.reader.refreshActions(item);
    },
    viewReset: () => this.list.reset(this.model.items),
  });
  private readonly mailboxes = new MailboxList({
    openMailbox: (mailbox) => this.openMailbox(mailbox),
    createMailbox: () => this.commands.run("mailbox.create"),
    mailboxMenu: (mailbox) => void this.mailboxMenu(mailbox),
    dropMessages: (mailbox) => void this.move(mailbox, false),
  });
  private readonly list = new MessageList({
    selectionChanged: (ids) => this.selectionChanged(ids),
    wantMore: () => void this.more(),
    now: () => Date.now() + this.clockOffset,
    showsRecipients: () => this.model.current()?.roles.some((role) => role === "sent" || role === "draft") ?? false,
  });
  private readonly reader = new MessageView(this.client, base, { actions: () => this.actions(), back: () => this.list.unselect() });
  private readonly account = el("span", { class: "account-address" });
  private readonly accountLink = el("a", { title: "Import and export mail", hidden: true }, "Account");
  private readonly heading = el("h1", { class: "list-title" });
  private readonly offline = el(
    "div",
    { class: "offline", role: "status" },
    "Not connected",
    el("button", { onclick: () => this.stream.retry() }, "Connect"),
  );
  private connected = true;
  private streamId = 0;
  private loginAddress = "";
  private addresses: readonly string[] = [];
  private modseq = 0;
  private version = "";
  private clockOffset = 0;
  private seenTimer = 0;
  private displayed = false;
  private wantedMessage = 0;

  start(): void {
    const known = this.session.resume();
    this.offline.hidden = true;
    this.readHash();
    addEventListener("hashchange", () => this.followHash());
    addCommands(this);
    listen(document, this.commands, () => this.displayed);
    const root = byId("app", HTMLElement);
    fill(
      root,
      el(
        "aside",
        { class: "side" },
        brand(),
        this.mailboxes.root,
        el(
          "div",
          { class: "account" },
          this.account,
          el("div", { class: "account-links" }, this.accountLink, el("button", { class: "link", onclick: () => this.commands.run("app.log-out") }, "Log out")),
        ),
      ),
      el(
        "section",
        { class: "middle", "aria-label": "List" },
        el(
          "header",
          { class: "list-head" },
          el("button", { class: "menu-open", "aria-label": "Mailboxes", onclick: () => document.body.classList.toggle("show-side") }, "☰"),
          this.heading,
          el("button", { class: "link", onclick: () => this.commands.run("app.unread-only") }, el("span", { class: "unread-toggle" }, "Unread only")),
        ),
        this.offline,
        this.list.root,
      ),
      this.reader.root,
    );
    // without a token there can be no session: the form comes first
    if (!known) void this.logIn("").then(() => this.stream.start());
    else this.stream.start();
  }

  /** Show the form, and log in with what is typed there. */
  private async logIn(reason: string): Promise<void> {
    if ((await this.session.logIn(reason)) && this.displayed) location.reload();
  }

  async logOut(): Promise<void> {
    this.stream.stop();
    await this.session.logOut();
  }

  private opening() {
    if (this.modseq > 0) return { request: this.model.resumeRequest(this.list.pageSize()), since: this.modseq };
    return { request: this.model.open(this.model.query, this.list.pageSize(), this.wantedMessage), since: 0 };
  }

  private connection(connected: boolean): void {
    this.connected = connected;
    this.offline.hidden = connected;
    this.title();
  }

  private take(event: StreamEvent): void {
    switch (event.kind) {
      case "start": {
        if (this.version !== "" && this.version !== event.version) {
          location.replace(`${base}?v=${encodeURIComponent(event.version)}${location.hash}`);
          return;
        }
        this.version = event.version;
        this.streamId = event.stream_id;
        this.modseq = event.modseq;
        this.clockOffset = Date.parse(event.server_time) - Date.now();
        this.loginAddress = event.login_address;
        this.addresses = event.addresses;
        fill(this.account, event.login_address);
        this.accountLink.href = event.account_path;
        this.accountLink.hidden = event.account_path === "";
        const opened = event.mailboxes.find((mailbox) => mailbox.name === event.mailbox_name);
        if (opened !== undefined) this.model.query = { ...this.model.query, filter: { ...this.model.query.filter, mailbox_id: opened.id, mailbox_name: "" } };
        this.model.setMailboxes(event.mailboxes);
        this.display();
        return;
      }
      case "resume":
        this.streamId = event.stream_id;
        this.clockOffset = Date.parse(event.server_time) - Date.now();
        if (this.version !== event.version) location.replace(`${base}?v=${encodeURIComponent(event.version)}${location.hash}`);
        // a page that was on its way is lost
        else this.list.checkEnd();
        return;
      case "view_msgs":
        if (event.view_id !== this.model.viewId || event.request_id !== this.model.requestId) return;
        if (event.parsed_message !== null) this.reader.offer(event.parsed_message);
        this.model.append(event.items, event.view_end);
        this.showWanted();
        if (!this.model.loading) this.list.checkEnd();
        return;
      case "view_reset":
        if (event.view_id === this.model.viewId) this.model.clear();
        return;
      case "view_err":
        if (event.view_id !== this.model.viewId) return;
        this.model.loading = false;
        this.list.setNote(event.message);
        return;
      case "view_changes":
        for (const change of event.changes) this.model.apply(change);
        if (!event.more) this.modseq = event.modseq;
        return;
      case "server_shutdown":
      case "fatal":
        return;
    }
  }

  /** Once, when there is something to see: custom scripts have their turn, then the page appears. */
  private display(): void {
    if (this.displayed) return;
    this.displayed = true;
    const root = byId("app", HTMLElement);
    beforeDisplay(root);
    root.hidden = false;
    this.list.root.focus();
  }

  private drawMailboxes(): void {
    const current = this.model.current();
    this.mailboxes.draw(this.model.ordered(), current?.id ?? 0);
    fill(this.heading, current?.name.split("/").at(-1) ?? "");
    this.title();
    // the mailbox that was shown is gone
    if (this.displayed && current === undefined) {
      const inbox = this.model.mailboxNamed("Inbox");
      if (inbox !== undefined) this.openMailbox(inbox);
    }
  }

  private title(): void {
    const mailbox = this.model.current();
    const unread = mailbox !== undefined && mailbox.unread > 0 ? `(${mailbox.unread}) ` : "";
    document.title = `${unread}${mailbox?.name ?? "Webmail"} · moxlite${this.connected ? "" : " (not connected)"}`;
  }

  private note(): void {
    const { items, loading, end } = this.model;
    if (items.length > 0) this.list.setNote("");
    else if (loading && !end) this.list.setNote("");
    else this.list.setNote(this.model.query.filter.unread ? "Nothing unread here." : "No messages here.");
  }

  private openMailbox(mailbox: Mailbox, unread = false): void {
    document.body.classList.remove("show-side");
    this.open({ filter: { mailbox_id: mailbox.id, unread } }, 0);
  }

  private open(query: Query, message: number): void {
    this.reader.showNothing(0);
    document.body.classList.remove("show-message");
    this.wantedMessage = message;
    const request = { ...this.model.open(query, this.list.pageSize(), message), stream_id: this.streamId };
    this.drawMailboxes();
    this.writeHash();
    byId("app", HTMLElement).classList.toggle("unread-only", query.filter.unread === true);
    void attempt("Opening the mailbox", () => this.client.request(request));
  }

  toggleUnread(): void {
    const mailbox = this.model.current();
    if (mailbox !== undefined) this.openMailbox(mailbox, this.model.query.filter.unread !== true);
  }

  private async more(): Promise<void> {
    if (this.model.loading || this.model.end || this.streamId === 0) return;
    const request = { ...this.model.request(this.list.pageSize()), stream_id: this.streamId };
    await attempt("Loading more messages", () => this.client.request(request));
  }

  private showWanted(): void {
    if (this.wantedMessage === 0 || this.model.item(this.wantedMessage) === undefined) return;
    const wanted = this.wantedMessage;
    this.wantedMessage = 0;
    this.list.select(wanted);
  }

  selected(): MessageItem[] {
    return this.list.selection().flatMap((id) => this.model.item(id) ?? []);
  }

  private selectionChanged(ids: number[]): void {
    clearTimeout(this.seenTimer);
    const item = ids.length === 1 ? this.model.item(ids[0]!) : undefined;
    document.body.classList.toggle("show-message", ids.length > 0);
    if (item === undefined) {
      this.reader.showNothing(ids.length);
    } else if (this.reader.current()?.id !== item.id) {
      this.reader.show(item).catch((error) => void showError("Opening the message failed", error));
      if (!item.flags.includes("\\seen")) {
        this.seenTimer = window.setTimeout(() => void attempt("Marking as read", () => this.client.flags_add([item.id], ["\\seen"])), markSeenAfter);
      }
    }
    this.writeHash();
  }

  private actions(): Node[] {
    return barCommands
      .map((id) => this.commands.get(id))
      .filter(enabled)
      .map((command) =>
        el(
          "button",
          { class: command.id === "message.delete" ? "danger" : "", title: hintOf(command), onclick: () => this.commands.run(command.id) },
          titleOf(command),
        ),
      );
  }

  facts() {
    return { login_address: this.loginAddress, addresses: this.addresses };
  }

  shown(): MessageItem | null {
    return this.reader.current();
  }

  selectedCount(): number {
    return this.list.selection().length;
  }

  inRole(role: Role): boolean {
    return this.model.current()?.roles.includes(role) ?? false;
  }

  moveFocus(by: number, how: "select" | "extend" | "focus"): void {
    this.list.move(by, how);
  }

  toggleFocused(): void {
    this.list.toggle();
  }

  selectAll(): void {
    this.list.selectAll();
  }

  unselect(): void {
    this.list.unselect();
  }

  nextUnread(): void {
    this.list.nextUnread();
  }

  showText(): void {
    this.reader.showText();
  }

  showHTML(): void {
    this.reader.showHTML();
  }

  toggleHeaders(): void {
    this.reader.toggleHeaders();
  }

  openRaw(): void {
    this.reader.openRaw();
  }

  scrollMessage(screens: number): void {
    this.reader.scroll(screens);
  }

  openInbox(): void {
    const inbox = this.model.mailboxNamed("Inbox");
    if (inbox !== undefined) this.openMailbox(inbox);
  }

  async flag(flags: string[], add: boolean): Promise<void> {
    clearTimeout(this.seenTimer);
    const ids = this.list.selection();
    if (ids.length === 0) return;
    await attempt("Changing flags", () => (add ? this.client.flags_add(ids, flags) : this.client.flags_clear(ids, flags)));
  }

  async toRole(role: Role): Promise<void> {
    const mailbox = this.model.withRole(role);
    if (mailbox === undefined) {
      await showError("There is no such mailbox", new Error(`No mailbox has the role “${role}”. Give it to one in the mailbox's menu.`));
      return;
    }
    if (mailbox.id === this.model.current()?.id) {
      if (role === "trash") await this.deleteForGood();
      return;
    }
    await this.move(mailbox, role !== "archive" || this.selected().some((item) => !item.flags.includes("\\seen")));
  }

  private async move(mailbox: Mailbox, markSeen: boolean): Promise<void> {
    clearTimeout(this.seenTimer);
    const ids = this.selected().filter((item) => item.mailbox_id !== mailbox.id).map((item) => item.id);
    if (ids.length > 0) await attempt(`Moving to ${mailbox.name}`, () => this.client.message_move(ids, mailbox.id, markSeen));
  }

  async deleteForGood(): Promise<void> {
    clearTimeout(this.seenTimer);
    const ids = this.list.selection();
    if (ids.length === 0) return;
    const what = ids.length === 1 ? "this message" : `${ids.length} messages`;
    if (await confirm("Delete for good?", `This removes ${what} from the account. It cannot be undone.`, "Delete")) {
      await attempt("Deleting", () => this.client.message_delete(ids));
    }
  }

  async exportSelection(): Promise<void> {
    const ids = this.list.selection();
    if (ids.length > 0) await this.export(ids.length === 1 ? "Export this message" : `Export ${ids.length} messages`, { ids });
  }

  private async export(title: string, what: Exported): Promise<void> {
    const { exportMail } = await part<typeof ExportPart>(base, "export");
    await exportMail(this.client, base, title, what);
  }

  async chooseMove(): Promise<void> {
    if (this.list.selection().length === 0) return;
    const targets = this.model.ordered().filter((mailbox) => mailbox.id !== this.model.current()?.id);
    const chosen = await dialog<Mailbox>("Move to", (close) => [
      el("div", { class: "choices" }, targets.map((mailbox, i) => el("button", { autofocus: i === 0, onclick: () => close(mailbox) }, mailbox.name))),
    ]);
    if (chosen !== null) await this.move(chosen, false);
  }

  async createMailbox(): Promise<void> {
    const name = await ask("New mailbox", "Name; “/” puts it inside another", "", "Create");
    if (name !== null) await attempt("Creating the mailbox", () => this.client.mailbox_create(name));
  }

  private async mailboxMenu(mailbox: Mailbox): Promise<void> {
    const fixed = mailbox.name === "Inbox";
    const action = await dialog<"read" | "rename" | "roles" | "export" | "delete">(mailbox.name, (close) => [
      el("p", { class: "dialog-text" }, `${mailbox.total} messages, ${mailbox.unread} unread`),
      el(
        "div",
        { class: "choices" },
        el("button", { disabled: mailbox.unread === 0, onclick: () => close("read") }, "Mark all as read"),
        el("button", { disabled: fixed, onclick: () => close("rename") }, "Rename…"),
        el("button", { disabled: fixed, onclick: () => close("roles") }, "Use as…"),
        el("button", { onclick: () => close("export") }, "Export…"),
        el("button", { disabled: fixed, class: "danger", onclick: () => close("delete") }, "Delete…"),
      ),
    ]);
    if (action === "read") await attempt("Marking as read", () => this.client.mailboxes_mark_read([mailbox.id]));
    if (action === "rename") {
      const name = await ask("Rename mailbox", "New name", mailbox.name, "Rename");
      if (name !== null && name !== mailbox.name) await attempt("Renaming the mailbox", () => this.client.mailbox_rename(mailbox.id, name));
    }
    if (action === "export") {
      const parent = this.model.ordered().some((other) => other.name.startsWith(`${mailbox.name}/`));
      await this.export(`Export “${mailbox.name}”`, { mailbox: mailbox.name, parent });
    }
    if (action === "roles") await this.chooseRole(mailbox);
    if (action === "delete") {
      const what = `“${mailbox.name}” and its ${mailbox.total} messages are removed. It cannot be undone.`;
      if (await confirm("Delete this mailbox?", what, "Delete")) await attempt("Deleting the mailbox", () => this.client.mailbox_delete(mailbox.id));
    }
  }

  private async chooseRole(mailbox: Mailbox): Promise<void> {
    const names: [Role, string][] = [
      ["draft", "Drafts"],
      ["sent", "Sent messages"],
      ["archive", "Archive"],
      ["trash", "Trash"],
      ["junk", "Junk"],
    ];
    const chosen = await dialog<Role[]>(`Use “${mailbox.name}” as`, (close) => [
      el(
        "div",
        { class: "choices" },
        names.map(([role, label]) => el("button", { disabled: mailbox.roles.includes(role), onclick: () => close([role]) }, label)),
        el("button", { disabled: mailbox.roles.length === 0, onclick: () => close([]) }, "An ordinary mailbox"),
      ),
    ]);
    if (chosen !== null) await attempt("Changing the role", () => this.client.mailbox_set_special_use(mailbox.id, chosen));
  }

  // The address shows what is open: `#Inbox` or `#Inbox,123`.

  private readHash(): void {
    const { name, message } = parseHash();
    this.model.query = { filter: { mailbox_id: 0, mailbox_name: name } };
    this.wantedMessage = message;
  }

  private followHash(): void {
    const { name, message } = parseHash();
    const mailbox = this.model.mailboxNamed(name);
    if (mailbox === undefined) return;
    if (mailbox.id !== this.model.current()?.id) this.open({ filter: { mailbox_id: mailbox.id } }, message);
    else if (message === 0) this.list.unselect();
    else if (this.model.item(message) !== undefined && this.reader.current()?.id !== message) this.list.select(message);
  }

  private writeHash(): void {
    const mailbox = this.model.current();
    if (mailbox === undefined) return;
    const selection = this.list.selection();
    const wanted = selection.length === 1 ? selection[0]! : this.wantedMessage;
    const hash = `#${encodeURIComponent(mailbox.name)}${wanted > 0 ? `,${wanted}` : ""}`;
    if (location.hash === hash) return;
    // stepping through messages is no history; opening a message or a mailbox is
    if (location.hash.includes(",") && hash.includes(",")) history.replaceState(null, "", hash);
    else history.pushState(null, "", hash);
  }
}

function parseHash(): { name: string; message: number } {
  const value = location.hash.slice(1);
  const comma = value.lastIndexOf(",");
  const number = comma < 0 ? 0 : Number(value.slice(comma + 1));
  const message = Number.isSafeInteger(number) && number > 0 ? number : 0;
  const name = message > 0 ? value.slice(0, comma) : value;
  try {
    return { name: decodeURIComponent(name) || "Inbox", message };
  } catch {
    return { name: "Inbox", message: 0 };
  }
}

addEventListener("error", (event) => void showError("Something went wrong in this page", event.error ?? event.message));
addEventListener("unhandledrejection", (event) => void showError("Something went wrong in this page", event.reason));
if (new URLSearchParams(location.search).has("v")) history.replaceState(null, "", `${base}${location.hash}`);
setStatus("");
new App().start();
