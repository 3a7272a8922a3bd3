// Mail without a connection (WEBMAIL-120, WEBMAIL-121): the service worker is registered, and where the user of a device wants it,
// lists, messages and what is done meanwhile are kept in this browser.

import type {
  Begun,
  Client,
  Mailbox,
  MessageItem,
  ParsedMessage,
  Party,
  Query,
  Request,
  Start,
  StreamEvent,
  Suggestions,
  Written,
} from "../../gen/webmail";
import { forgetMail, kept } from "../../lib/beside";
import { codeOf } from "../../lib/client";
import { confirm } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { many, t } from "../../lib/words";
import { isSearch } from "../data/queries";
import type { Mail } from "../state/mail";
import { freshId } from "../words/fresh";
import { beginAnswer, hasMarks, Originals } from "./answers";
import { keepFiles } from "./files";
import { fetchGroupware, keepAnswer, keptAnswer } from "./groupware";
import { apart, guarded, mailCache, mostMessages, shellCache } from "./names";
import { followDevice } from "./notices";
import { Outbox, mayWait } from "./outbox";
import { found as matching } from "./searching";
import { freeSettings, guardSettings } from "./settings";
import { Store } from "./store";

/** Key in the browser's storage: "1" while the user wants mail on this device. */
const wantedKey = `${kept()}-offline`;
/** Key of the login address of the last log-in. */
const addressKey = `${kept()}-address`;
/** Milliseconds after a change until it is kept. */
const quiet = 1_000;
/** Milliseconds after a draft was saved until Drafts is kept anew. */
const refillAfter = 20_000;
/** Drafts, the newest, that are kept to be edited. */
const mostDrafts = 20;

/** A list as it was shown: rows, each with the other messages of its thread. */
interface List {
  readonly mailbox: number;
  readonly threads: readonly (readonly MessageItem[])[];
}

/** What the page has for this part. */
export interface OfflinePage {
  readonly client: Client;
  readonly base: string;
  readonly mail: Mail;
  say(text: string): unknown;
  /** Handle an event as if the server had sent it. */
  event(event: StreamEvent): void;
}

/** People whose addresses are completed, as they were at a time, ms since 1970. */
interface Known {
  readonly at: number;
  readonly parties: readonly Party[];
}

/** Name of the people among the facts, and number of names that are completed at once. */
const [peopleKey, mostNames] = ["people", 20];

/** Name of a draft that can be edited, among the facts. */
const draftKey = (id: number): string => `draft-${id}`;

/** Whether the user wants mail on this device. */
function wanted(): boolean {
  return localStorage.getItem(wantedKey) === "1";
}

export class Offline {
  private store: Store | null = null;
  private outbox: Outbox | null = null;
  /** Login address of the user whose mail is kept, and whose changes wait; "" for none. */
  private owner = "";
  private readonly originals: Originals;
  private opening: Promise<void> | null = null;
  private timer = 0;
  private refilling = 0;
  private fetching = false;
  private readonly turns = new Map<number, List>();
  /** The people that are kept, once they were read. */
  private people: readonly Party[] | null = null;
  /** Whether the page shows what was kept, because there was no connection at its start. */
  private alone = false;
  private told = false;
  /** The first event of the connection. */
  private start: Start | null = null;
  private readonly line = el("div", { class: "offline", role: "status" });

  constructor(private readonly page: OfflinePage) {
    this.originals = new Originals(page.client);
    page.client.through = (call, given, run) => this.through(call, given, run);
    // the settings, which are another page
    addEventListener("storage", (event) => event.key === wantedKey && void this.chosen());
    addEventListener("beforeunload", (event) => {
      // the browser has forgotten them with the session, and another user was told that they are lost
      const address = localStorage.getItem(addressKey);
      if (this.waits > 0 && !wanted() && (address === null || address === this.owner)) event.preventDefault();
    });
  }

  /** Open what is kept, if the user wants that. */
  private async open(): Promise<Store | null> {
    if (wanted() && this.store === null) {
      this.opening ??= this.openStore().finally(() => (this.opening = null));
      await this.opening;
    }
    return this.store;
  }

  /** The user wants mail on this device from now on, or no more. */
  private async chosen(): Promise<void> {
    if (!wanted()) {
      this.store = this.outbox = null;
      await freeSettings(this.start?.account_path ?? "");
      return;
    }
    await this.open();
    await this.fill();
    await this.keepList();
  }

  private async openStore(): Promise<void> {
    let store: Store;
    try {
      store = await Store.open(() => this.full());
    } catch {
      this.full();
      return;
    }
    this.owner = (await store.get<Start>("facts", "start"))?.login_address ?? "";
    this.outbox = new Outbox(
      store,
      this.page.client,
      (text) => this.page.say(text),
      () => this.tellWaiting(),
      this.originals,
    );
    await this.outbox.load();
    this.store = store;
  }

  /** Number of changes that wait in this browser. */
  private get waits(): number {
    return this.outbox?.size ?? 0;
  }

  /** A sentence for the log-in form about what waits; nothing if nothing waits. */
  async atLogIn(): Promise<Node[]> {
    await this.open();
    // the session has ended: a browser with several accounts forgets nothing by itself (WEBMAIL-179)
    if (wanted()) await forgetMail();
    const n = this.waits;
    if (n === 0) return [];
    const text = many(
      n,
      "To send {n} offline change, log in as {address}. If another user logs in, it will be lost.",
      "To send {n} offline changes, log in as {address}. If another user logs in, they will be lost.",
      { address: this.owner },
    );
    return [el("p", { class: "hint" }, text)];
  }

  private full(): void {
    if (this.told) return;
    this.told = true;
    this.page.say(t("Browser storage is full. Some mail won't be available offline."));
  }

  /** Say how many changes wait in this browser. */
  private tellWaiting(): void {
    const n = this.waits;
    fill(
      this.line,
      many(n, "{n} change will be sent when you're online.", "{n} changes will be sent when you're online."),
    );
    if (n > 0) document.querySelector(".list-band")?.append(this.line);
    else this.line.remove();
  }

  /** There was no connection at the start: show what is kept for this user, if anything is. */
  async showKept(): Promise<void> {
    const store = await this.open();
    const start = await store?.get<Start>("facts", "start");
    if (start === undefined || start.login_address !== localStorage.getItem(addressKey)) return;
    this.alone = true;
    // modseq 0: the first connection asks for everything anew
    this.page.event({ ...start, stream_id: 1, modseq: 0, server_time: new Date().toISOString() });
    await this.answer(this.page.mail.opening().request);
  }

  /** An event of the server has come. */
  async took(event: StreamEvent): Promise<void> {
    // where the server wants nothing kept, and could not take what waits before, it is asked again
    const again =
      event.kind === "resume" && this.store !== null && this.start?.capabilities.includes("offline") === false;
    if (again) await this.began(this.start!);
    if (event.kind === "start") {
      const goesOn = await this.began(event);
      const { client, base, say } = this.page;
      void followDevice(client, base, event.login_address, say);
      if (!goesOn) return;
      void this.fill();
    }
    if (event.kind === "start" || event.kind === "resume") void this.outbox?.send(wanted());
    if (this.store === null || this.alone) return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.keepList(), quiet);
  }

  /** The server is there, and says whose mail this is; false if it wants nothing kept. */
  private async began(start: Start): Promise<boolean> {
    this.alone = false;
    this.start = start;
    await this.open();
    if (this.owner !== "" && this.owner !== start.login_address) {
      this.store = this.outbox = this.people = null;
      this.owner = "";
      this.tellWaiting();
      await forgetMail();
    }
    if (!start.capabilities.includes("offline")) {
      // what waits is sent before it is forgotten
      await this.outbox?.send(wanted());
      if (this.waits === 0) {
        this.store = this.outbox = null;
        await leave(this.page.base, start.account_path);
      }
      return false;
    }
    // browsers refuse it where they only tolerate the server's certificate
    await navigator.serviceWorker.register(`${this.page.base}sw.js`, { updateViaCache: "none" }).catch(() => null);
    // the session has ended, and the browser has forgotten everything
    if (!wanted()) {
      this.store = null;
      await freeSettings(start.account_path);
    }
    return true;
  }

  /** Keep the rows that are shown, with their messages. */
  private async keepList(): Promise<void> {
    const { mail } = this.page;
    const { items, lines, start } = mail.rows.value;
    const mailbox = mail.current.value?.id;
    if (mailbox === undefined || start > 0 || isSearch(mail.query.value) || mail.query.value.filter.unread === true)
      return;
    const tops = items.filter((item) => (lines.get(item.id)?.top.id ?? item.id) === item.id);
    const threads = tops.map((top) => [top, ...(lines.get(top.id)?.members ?? []).filter((one) => one.id !== top.id)]);
    await this.putList({ mailbox, threads: threads.slice(0, mostMessages) });
    const start_ = await this.store?.get<Start>("facts", "start");
    if (start_ !== undefined)
      await this.store?.put(
        "facts",
        { ...start_, mailboxes: mail.boxes.told(), links: [...mail.boxes.links], settings: mail.settings.value },
        "start",
      );
  }

  private async putList(list: List): Promise<void> {
    await this.store?.put("lists", list, list.mailbox);
    void this.fetch(list);
  }

  /** Keep Inbox and Drafts, whatever the user looks at, and what a new message begins with. */
  private async fill(): Promise<void> {
    if (this.store === null || this.start === null) return;
    this.owner = this.start.login_address;
    await this.store.put("facts", this.start, "start");
    await guardSettings(this.page.base, this.start.account_path).catch(() => null);
    await this.page.client.compose_prepare("new").catch(() => null);
    await this.fetchPeople().catch(() => null);
    await fetchGroupware(this.page.client).catch(() => null);
    const boxes = this.page.mail.mailboxes.value.filter((one) => one.owner === "");
    for (const box of boxes)
      if (box.name === "Inbox" || box.roles.includes("draft")) await this.listOf(box).catch(() => null);
  }

  /** Keep the people whose addresses are completed, once a day. */
  private async fetchPeople(): Promise<void> {
    const kept = await this.store?.get<Known>("facts", peopleKey);
    if (kept !== undefined && Date.now() - kept.at < 86_400_000) return;
    const { parties } = await this.page.client.complete_recipient("");
    this.people = parties;
    await this.store?.put("facts", { at: Date.now(), parties } satisfies Known, peopleKey);
  }

  /** Complete a name of the people that are kept, in the server's order. */
  private async complete(text: string): Promise<Suggestions | undefined> {
    this.people ??= (await this.store?.get<Known>("facts", peopleKey))?.parties ?? null;
    if (this.people === null) return undefined;
    const needle = text.toLowerCase();
    const parties: Party[] = [];
    for (const one of this.people) {
      if (`${one.name} <${one.address}>`.toLowerCase().includes(needle)) parties.push(one);
      if (parties.length > mostNames) break;
    }
    return { parties: parties.slice(0, mostNames), complete: parties.length <= mostNames, groups: [] };
  }

  /** Fetch the newest rows of a mailbox by a stream of their own. */
  private async listOf(box: Mailbox): Promise<void> {
    const request: Request = {
      id: 1,
      view_id: 1,
      query: { filter: { mailbox_id: box.id } },
      page: { count: mostMessages },
    };
    const parameters = new URLSearchParams({ token: await this.page.client.token(), request: JSON.stringify(request) });
    const source = new EventSource(`${this.page.base}events?${parameters}`);
    const items: MessageItem[][] = [];
    await new Promise<void>((resolve, reject) => {
      source.addEventListener("view_msgs", (event) => {
        const found = JSON.parse((event as MessageEvent<string>).data) as { items: MessageItem[][] };
        items.push(...found.items);
        if (found.items.length === 0) resolve();
      });
      source.onerror = () => reject(new Error("no list"));
    }).finally(() => source.close());
    const shown = this.page.mail.current.value?.id === box.id;
    if (!shown) await this.putList({ mailbox: box.id, threads: items });
  }

  /** Fetch the messages of a list that are not kept yet; lists that come meanwhile have their turn after it. */
  private async fetch(list: List): Promise<void> {
    this.turns.set(list.mailbox, list);
    if (this.fetching) return;
    this.fetching = true;
    try {
      for (const [mailbox, next] of this.turns) {
        this.turns.delete(mailbox);
        await this.fetchMessages(next);
      }
    } catch {
      // the next list goes on with it
    } finally {
      this.turns.clear();
      this.fetching = false;
    }
  }

  /** Fetch the messages of a list, the newest first; drop the oldest ones beyond the limit. */
  private async fetchMessages(list: List): Promise<void> {
    const { store } = this;
    if (store === null || !wanted()) return;
    const mail = await caches.open(mailCache);
    const known = new Set(await store.keys("messages"));
    for (const item of list.threads.flat().slice(0, mostMessages)) {
      if (known.has(item.id) || this.alone || this.page.mail.connection.value !== "on") continue;
      const parsed = await this.page.client.parsed_message(item.id);
      if (parsed.has_html) {
        // the service worker keeps it, too, once it answers for this page
        const path = `${this.page.base}msg/${item.id}/html`;
        const answer = await fetch(`${path}?sameorigin=true`);
        if (answer.ok && guarded(answer)) await mail.put(path, answer);
      }
      await new Promise((resolve) => setTimeout(resolve, apart));
    }
    await this.fetchDrafts(list);
    const keys = await store.keys("messages");
    for (const key of keys.slice(0, Math.max(0, keys.length - 2 * mostMessages))) await store.delete("messages", key);
    await keepFiles(
      this.page.base,
      store,
      list.threads.flat().slice(0, mostMessages),
      () => wanted() && this.store === store && !this.alone && this.page.mail.connection.value === "on",
    );
  }

  /** Keep the newest drafts to be edited, and drop those that are gone. */
  private async fetchDrafts(list: List): Promise<void> {
    const box = this.page.mail.mailboxes.value.find((one) => one.id === list.mailbox);
    if (this.store === null || box?.owner !== "" || !box.roles.includes("draft")) return;
    const drafts = list.threads.flat().filter((one) => one.mailbox_id === list.mailbox && one.attachments.length === 0);
    const wanted = new Set(drafts.slice(0, mostDrafts).map((one) => draftKey(one.id)));
    const known = new Set<IDBValidKey>(await this.store.keys("facts"));
    for (const name of known)
      if (typeof name === "string" && name.startsWith(draftKey(0).slice(0, -1)) && !wanted.has(name))
        await this.store.delete("facts", name);
    for (const { id } of drafts.slice(0, mostDrafts)) {
      if (known.has(draftKey(id)) || this.page.mail.connection.value !== "on") continue;
      // its answer is kept
      await this.page.client.compose_prepare("edit", id);
      await new Promise((resolve) => setTimeout(resolve, apart));
    }
  }

  /** Each call of the page comes through here. */
  private async through(
    call: string,
    given: readonly unknown[],
    run: (waits?: boolean) => Promise<unknown>,
  ): Promise<unknown> {
    if (!wanted()) return run();
    await this.open();
    if (call === "logout") {
      const result = await run();
      await forgetMail();
      return result;
    }
    if (this.outbox?.behind(call, given) === true) return this.wait(call, given);
    try {
      if ((call === "message_submit" || call === "draft_save") && hasMarks(given[0] as Written))
        return await this.marked(call, given);
      const result = await run(mayWait(call));
      this.keepResult(call, given, result);
      return result;
    } catch (error) {
      if (codeOf(error) !== "") throw error;
      const stood = await this.standIn(call, given);
      if (stood === undefined) throw error;
      return stood;
    }
  }

  /** Save or send a message that began without a connection: its marks are replaced first. */
  private async marked(call: "message_submit" | "draft_save", given: readonly unknown[]): Promise<unknown> {
    const [message, ...rest] = given;
    const filled = await this.originals.fill(message as Written);
    const method = this.page.client[call] as (...given: readonly unknown[]) => Promise<unknown>;
    return method.call(this.page.client, filled, ...rest);
  }

  /** Keep what is wanted of an answer. */
  private keepResult(call: string, given: readonly unknown[], result: unknown): void {
    if (this.store !== null) void keepAnswer(this.store, call, given, result);
    if (call === "parsed_message") void this.store?.put("messages", result, given[0] as number);
    if (call === "compose_prepare" && given[0] === "new") void this.store?.put("facts", result, "new");
    if (call === "compose_prepare" && given[0] === "edit") void this.keepDraft(result as Begun, given[1] as number);
    if (call === "draft_save") {
      const { uploads, ...words } = given[0] as Written;
      if (uploads.length === 0)
        void this.keepDraft(
          {
            html: "",
            original: "",
            ask_read: false,
            ask_delivered: false,
            ...words,
            tls: words.tls ?? "default",
            uploads: [],
            notes: [],
            name: words.from.name,
            senders: [],
          },
          result as number,
        );
      clearTimeout(this.refilling);
      this.refilling = window.setTimeout(() => void this.fill(), refillAfter);
    }
  }

  /** Keep a draft to be edited without a connection, if all of it is in its words: the server forgets uploads. */
  private async keepDraft(begun: Begun, id: number): Promise<void> {
    const whole = begun.uploads.length === 0 && begun.original === "" && !/<img\b/i.test(begun.html);
    if (whole) await this.store?.put("facts", begun, draftKey(id));
  }

  /** The result of a call that the server did not answer; undefined without a replacement. */
  private async standIn(call: string, given: readonly unknown[]): Promise<unknown> {
    if (call === "parsed_message") return this.store?.get<ParsedMessage>("messages", given[0] as number);
    if (call === "request" && this.alone) {
      await this.answer(given[0] as Request);
      return null;
    }
    if (call === "draft_find") return 0;
    if (call === "complete_recipient") return this.complete(given[0] as string);
    if (call === "compose_prepare") return this.begin(given);
    return (this.store && (await keptAnswer(this.store, call, given))) ?? this.wait(call, given);
  }

  /** The beginning of a message, of what is kept. Throws an error for the user without it. */
  private async begin(given: readonly unknown[]): Promise<Begun | undefined> {
    const [kind, id, selected, when] = given as Parameters<Client["compose_prepare"]>;
    const begun = await this.fresh();
    if (begun === undefined || kind === "new") return begun;
    if (kind === "edit") {
      const draft = await this.store?.get<Begun>("facts", draftKey(id ?? 0));
      if (draft !== undefined) return draft;
      throw new Error(t("You can't edit this message offline because part of it isn't saved on this device."));
    }
    const lists = (await this.store?.all<List>("lists")) ?? [];
    const item = lists.flatMap((list) => list.threads.flat()).find((one) => one.id === id);
    const parsed = await this.store?.get<ParsedMessage>("messages", id ?? 0);
    if (item === undefined || parsed === undefined)
      throw new Error(t("While you're offline, you can only reply to messages saved on this device."));
    return beginAnswer({
      kind,
      item,
      parsed,
      begun,
      selected: selected ?? "",
      when: when ?? "",
    });
  }

  /** The beginning of a new message, with an id of its own, under which the server knows it again. */
  private async fresh(): Promise<Begun | undefined> {
    const begun = await this.store?.get<Begun>("facts", "new");
    return begun && { ...begun, message_id: freshId(begun.message_id) };
  }

  /** Keep a call for later, and show what it changes. */
  private async wait(call: string, given: readonly unknown[]): Promise<unknown> {
    const result = await this.outbox?.add(call, given);
    if (result !== undefined) await this.change(call, given);
    return result;
  }

  /** Apply a call that waits to the rows that are kept and shown. */
  private async change(call: string, given: readonly unknown[]): Promise<void> {
    const ids = given[0] as number[];
    const flags = call === "flags_add" || call === "flags_clear" ? (given[1] as string[]) : null;
    const leaves = call === "message_move" || call === "message_delete";
    if (this.store === null || (flags === null && !leaves)) return;
    const changed = (item: MessageItem): MessageItem => {
      if (flags === null || !ids.includes(item.id)) return item;
      const own = { flags: [...item.flags], keywords: [...item.keywords] };
      for (const flag of flags) {
        const kind = /^[\\$]/.test(flag) ? "flags" : "keywords";
        own[kind] = own[kind].filter((one) => one !== flag).concat(call === "flags_add" ? [flag] : []);
      }
      return { ...item, ...own };
    };
    for (const list of await this.store.all<List>("lists")) {
      const here = list.threads.flat().filter((item) => ids.includes(item.id) && item.mailbox_id === list.mailbox);
      if (here.length === 0) continue;
      const threads = list.threads
        .map((thread) => thread.filter((item) => !leaves || !ids.includes(item.id)).map(changed))
        .filter((thread) => thread.length > 0);
      await this.store.put("lists", { ...list, threads }, list.mailbox);
      if (!this.alone) continue;
      const { modseq } = this.page.mail;
      const facts = here.map(changed).map(({ id, flags, keywords }) => ({
        kind: "msg_flags" as const,
        message_id: id,
        mailbox_id: list.mailbox,
        modseq,
        flags,
        keywords,
      }));
      const gone = { kind: "msg_remove" as const, mailbox_id: list.mailbox, message_ids: here.map(({ id }) => id) };
      this.page.event({ kind: "view_changes", view_id: 0, modseq, more: true, changes: leaves ? [gone] : facts });
    }
  }

  /** Answer a request for rows with those that are kept. */
  private async answer(request: Request): Promise<void> {
    const { query } = request;
    const searched = query && isSearch(query) ? await this.searched(query) : null;
    const list = searched ?? (query && (await this.listFor(query)));
    const { view_id, id: request_id } = request;
    if (list === undefined || list === null) {
      const message =
        query && isSearch(query)
          ? t("While you're offline, you can only search for words in messages saved on this device.")
          : t("While you're offline, you can only open lists saved on this device.");
      this.page.event({ kind: "view_err", view_id, request_id, message, unthreaded: false });
      this.page.mail.searching.value = null;
      return;
    }
    const threaded = (query?.threading ?? "off") !== "off";
    const items = threaded
      ? list.threads.map((one) => [...one])
      : list.threads
          .flat()
          .filter((one) => searched !== null || one.mailbox_id === list.mailbox)
          .map((one) => [one]);
    const common = {
      kind: "view_msgs" as const,
      view_id,
      request_id,
      position: 0,
      total: items.length,
      parsed_message: null,
    };
    this.page.event({ ...common, items, view_end: true });
    this.page.event({ ...common, items: [], view_end: true });
    const n = items.length;
    if (searched !== null)
      this.page.mail.searching.value = {
        messages: n,
        looked: n,
        of: n,
        found: n,
        done: true,
        stopped: false,
        left_out: [],
        saved: true,
      };
  }

  /** The kept messages that a search finds, the newest first; null if it asks for more than can be known here. */
  private async searched(query: Query): Promise<List | null> {
    const lists = (await this.store?.all<List>("lists")) ?? [];
    const messages = (await this.store?.all<ParsedMessage>("messages")) ?? [];
    const { mailboxes } = this.page.mail;
    const { mailbox_id: id, mailbox_name: name } = query.filter;
    const box = mailboxes.value.find((one) => one.id === id || one.name === name);
    const items = matching(
      query,
      lists.flatMap((list) => list.threads.flat()),
      messages,
      box?.id ?? 0,
    );
    return items === null ? null : { mailbox: box?.id ?? 0, threads: items.map((item) => [item]) };
  }

  /** The list that is kept for a query: newest messages first, of one mailbox. */
  private async listFor(query: Query): Promise<List | undefined> {
    if (isSearch(query) || query.filter.unread === true) return undefined;
    const { mailboxes } = this.page.mail;
    const box = mailboxes.value.find(
      ({ id, name }) => id === query.filter.mailbox_id || name === query.filter.mailbox_name,
    );
    return box && this.store?.get<List>("lists", box.id);
  }

  /** Ask whether the user wants to log out while changes wait; false to stay. */
  async mayLeave(): Promise<boolean> {
    const n = this.waits;
    if (n === 0) return true;
    return confirm(
      t("Log out?"),
      many(n, "{n} unsent change will be lost.", "{n} unsent changes will be lost."),
      t("Log out"),
    );
  }
}

/** The administrator wants nothing kept: remove that, and the service worker, unless it shows notices. */
async function leave(base: string, settings: string): Promise<void> {
  await freeSettings(settings);
  const registration = await navigator.serviceWorker.getRegistration(base);
  if (registration !== undefined && (await registration.pushManager?.getSubscription()) === null)
    await registration.unregister();
  await caches.delete(shellCache);
  await forgetMail();
}
