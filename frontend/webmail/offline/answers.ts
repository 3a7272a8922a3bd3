// Answers and forwarded messages that begin without a connection (WEBMAIL-121): what `compose_prepare` tells, made of a kept
// message by the same rules (WEBMAIL-90..92). Files and the HTML of the original are marks, which the server's uploads replace
// before the message is saved or sent.

import type { Address, Begun, Client, MessageItem, ParsedMessage, Party, Written } from "../../gen/webmail";
import { t } from "../../lib/words";
import type { Kind } from "../compose/kinds";
import { bareAddress } from "../ui/format";
import { textToHTML } from "../words/html";

const mark = "offline:";
/** Characters of a quoted text, and of a subject, as at the server. */
const [mostQuoted, mostSubject] = [200_000, 1_000];
const answered =
  /^(?:(?:re|aw|sv|vs|antw|rif|r|res|odp|відп|رد|תשובה|תגובה|回复|答复|回覆|返信)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]\s*)+/i;
const forwarded =
  /^(?:(?:fwd|fw|wg|tr|rv|enc|i|pd|vb|vl|doorst|пересл|إعادة توجيه|הועבר|העברה|转发|轉寄|転送)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]\s*)+/i;

/** What a mark stands for: the original's HTML, or one of its files. */
interface Marked {
  readonly kind: Kind;
  readonly id: number;
  readonly when: string;
  /** Name and size of a file of the original. */
  readonly file?: readonly [string, number];
}

/** What an answer is made of. `begun` is that of a new message. */
export interface Kept {
  readonly kind: Kind;
  readonly item: MessageItem;
  readonly parsed: ParsedMessage;
  readonly begun: Begun;
  readonly selected: string;
  /** The date of the original in words. */
  readonly when: string;
}

const party = (one: Address): Party => ({ name: one.name, address: bareAddress(one) });
const key = (one: Party): string => one.address.toLowerCase();

function unique(parties: readonly Party[]): Party[] {
  return [...new Map(parties.map((one) => [key(one), one] as const).reverse()).values()].reverse();
}

function field({ headers }: ParsedMessage, name: string): string {
  return headers.find((one) => one.name.toLowerCase() === name)?.value ?? "";
}

/** The content with which an answer or a forwarded message begins. */
export function beginAnswer(kept: Kept): Begun {
  const { kind, item, parsed, begun, selected, when } = kept;
  const { from: author, own: ownAddresses, own_mail: mine } = parsed.answering;
  const mineToo = new Set(ownAddresses.map((one) => key(party(one))));
  const isOwn = (one: Party) => mineToo.has(key(one));
  const [from, to, cc] = [item.from.map(party), item.to.map(party), item.cc.map(party)];
  const ids = (name: string) => field(parsed, name).match(/<[^<>\s]{1,996}>/g) ?? [];
  const own = ids("message-id").slice(0, 1);
  const earlier = ids("references");
  const replied = ids("in-reply-to");
  const thread = earlier.length === 0 && replied.length === 1 ? replied : earlier;
  const subject = item.subject.slice(0, mostSubject).trim();
  const forward = kind.startsWith("forward");
  const common = {
    ...begun,
    from: { ...begun.from, address: bareAddress(author) },
    subject: forward ? "Fwd: ".concat(subject.replace(forwarded, "")) : "Re: ".concat(subject.replace(answered, "")),
    references: [...new Set([...thread, ...own])].slice(-100),
  };
  const name = from[0]?.name || from[0]?.address || "?";
  const whole = parsed.texts.map((one) => one.text.replace(/\n$/, "")).join("\n");
  const original = parsed.has_html && selected === "" ? marked({ kind, id: item.id, when }) : "";
  const cut = parsed.texts.some((one) => one.truncated) && original === "" && selected === "";
  const notes =
    cut || (whole === "" && selected === "" && original === "")
      ? [{ message: t("You're offline, so some of the text wasn't quoted."), words: null }]
      : [];
  if (forward) {
    const attached = kind === "forward_attached";
    const files = attached
      ? [
          {
            filename: `${subject.slice(0, 100) || "message"}.eml`,
            content_type: "application/octet-stream",
            size: item.size,
          },
        ]
      : parsed.attachments.map(({ filename, content_type, size }) => ({ filename, content_type, size }));
    return {
      ...common,
      text: attached ? "" : `${forwardedHead(item, subject, when)}\n\n${whole.slice(0, mostQuoted)}`,
      original: attached ? "" : original,
      uploads: files.map((file) => ({
        ...file,
        upload_id: marked({ kind, id: item.id, when, file: [file.filename, file.size] }),
      })),
      notes: attached ? [] : notes,
    };
  }
  const back = mine ? to : item.reply_to.length > 0 ? item.reply_to.map(party) : from;
  const wanted = kind === "reply_all" ? [...back, ...(mine ? [] : to)] : back;
  const others = wanted.filter((one) => !isOwn(one));
  const list = kind === "reply_list" && parsed.list_reply_address !== "" ? parsed.list_reply_address : "";
  const first = unique(list === "" ? (others.length > 0 ? others : wanted) : [{ name: "", address: list }]);
  const there = new Set(first.map(key));
  const quoted = quote(selected || withoutSignature(whole));
  return {
    ...common,
    to: first,
    cc: kind === "reply_all" ? unique(cc).filter((one) => !isOwn(one) && !there.has(key(one))) : [],
    in_reply_to: own[0] ?? "",
    text:
      quoted === ""
        ? ""
        : `${when === "" ? t("{name} wrote:", { name }) : t("On {when}, {name} wrote:", { when, name })}\n${quoted}\n`,
    original,
    notes,
  };
}

function forwardedHead(item: MessageItem, subject: string, when: string): string {
  const listed = (all: readonly Address[]) =>
    all
      .slice(0, 50)
      .map((one) => (one.name === "" ? bareAddress(one) : `${one.name} <${bareAddress(one)}>`))
      .join(", ");
  const lines: readonly (readonly [string, string])[] = [
    [t("From"), listed(item.from)],
    [t("Date"), when],
    [t("Subject"), subject],
    [t("To"), listed(item.to)],
    [t("Cc"), listed(item.cc)],
  ];
  const fields = lines.filter(([, value]) => value !== "").map(([label, value]) => `${label}: ${value}`);
  return [`---------- ${t("Forwarded message")} ----------`, ...fields].join("\n");
}

/** The text above a line `-- ` (RFC 3676 §4.3). */
function withoutSignature(text: string): string {
  const lines = text.split("\n");
  const at = lines.indexOf("-- ");
  return (at < 0 ? lines : lines.slice(0, at)).join("\n");
}

function quote(text: string): string {
  const bare = text
    .slice(0, mostQuoted)
    .replace(/\n(?:[ \t]*\n){2,}/g, "\n\n")
    .replace(/^\n+|\n+$/g, "");
  if (bare.trim() === "") return "";
  return bare
    .split("\n")
    .map((line) => (line.startsWith(">") ? `>${line}` : `> ${line}`.trimEnd()))
    .join("\n");
}

function marked(one: Marked): string {
  return mark + JSON.stringify(one);
}

function read(text: string): Marked | null {
  return text.startsWith(mark) ? (JSON.parse(text.slice(mark.length)) as Marked) : null;
}

/** Whether a message has marks. */
export function hasMarks({ original = "", uploads }: Written): boolean {
  return [original, ...uploads].some((one) => one.startsWith(mark));
}

/** The server's uploads for marks. They are made once: a message is saved many times while it is written. */
export class Originals {
  private readonly made = new Map<string, Promise<Begun>>();

  constructor(private readonly client: Client) {}

  private begun({ kind, id, when }: Marked): Promise<Begun> {
    const name = `${kind} ${id}`;
    let found = this.made.get(name);
    if (found === undefined) {
      found = this.client.compose_prepare(kind, id, "", when);
      this.made.set(name, found);
      found.catch(() => this.made.delete(name));
    }
    return found;
  }

  /** The message with uploads in the place of its marks. Rejects as the server's call does. */
  async fill(message: Written): Promise<Written> {
    const below = read(message.original ?? "");
    const uploads: string[] = [];
    for (const one of message.uploads) {
      const file = read(one);
      if (file === null) uploads.push(one);
      else {
        const [filename, octets] = file.file ?? [];
        const found = (await this.begun(file)).uploads.find(
          (up) => up.filename === filename && up.size === octets && !uploads.includes(up.upload_id),
        );
        // a picture that the HTML shows comes with that
        if (found !== undefined) uploads.push(found.upload_id);
      }
    }
    if (below === null) return { ...message, uploads };
    const { original, text } = await this.begun(below);
    if (original !== "" || text === "") return { ...message, uploads, original };
    // the server cannot keep its HTML: the text goes below
    if ((message.html ?? "") === "") return { ...message, uploads, original, text: `${message.text}\n\n${text}` };
    return { ...message, uploads, original, html: message.html + textToHTML(text) };
  }
}
