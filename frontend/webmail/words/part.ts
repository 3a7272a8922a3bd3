// The words of a message that is written: plain text in a field, or HTML in an editor, which is a part of its own; the signature; the
// quoted text; and the original below, which the server keeps as it is (WEBMAIL-92, 105, 135).

import { withKey } from "../../lib/commands";
import { attempt } from "../../lib/dialogs";
import { el, sign as symbol } from "../../lib/dom";
import { typeTool } from "../../lib/icons";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import type * as RichPart from "../rich/part";
import type { Rich } from "../rich/part";
import type * as SquirePart from "../squire/part";
import type { AllSettings } from "../state/settings";
import { signatureHTML, textToHTML } from "./html";
import { around, begin, exchange, signatureHTMLOf, signatureOf } from "./signature";
import sheet from "./words.css";

export { begun, freshId } from "./fresh";
export { lostCopies, refresh } from "./lost";

adopt(sheet);

/** What a message begins with. */
export interface Beginning {
  /** The text in the field, or what the editor begins with. */
  readonly text: string;
  /** HTML for the editor; "" if the text is written as plain text. */
  readonly html: string;
  /** Quoted text below, which is folded away. */
  readonly quoted: string;
  /** Id of the original's HTML, which is sent below; "" for none. */
  readonly original: string;
  /** A message whose page shows the original, 0 for none. */
  readonly sample: number;
  readonly forwarded: boolean;
  /** Position of the cursor in the text. */
  readonly cursor: number;
}

/** Called when something has changed, or is to be done by the composer. */
export interface Hooks {
  changed(): void;
  /** Attach files that are no pictures. */
  attach(files: Iterable<File>): void;
  note(text: string): void;
  say(text: string): void;
}

/** The words as they are sent: `text` is empty where there is HTML. */
export interface Value {
  readonly text: string;
  readonly html: string;
  readonly original: string;
}

/** What `compose_prepare` tells, and how the user answers it. */
export interface Prepared {
  readonly kind: string;
  readonly text: string;
  readonly html: string;
  readonly original: string;
  readonly sample: number;
  readonly selected: string;
  /** The author's address. */
  readonly address: string;
}

/** The editor's modules. */
interface Editors {
  readonly rich: typeof RichPart;
  readonly squire: typeof SquirePart;
}

let editors: Editors | null = null;

/** Load the editor; null if it could not be loaded. */
async function loadEditors(desk: Surroundings): Promise<Editors | null> {
  if (editors !== null) return editors;
  await attempt(t("Loading…"), t("Couldn't open editor"), async () => {
    const [rich, squire] = await Promise.all([
      desk.load<typeof RichPart>("rich"),
      desk.load<typeof SquirePart>("squire"),
    ]);
    editors = { rich, squire };
  });
  return editors;
}

/** Load what the words of a message need: the editor if there is HTML, or the user writes so. False if there is HTML that cannot be
 * shown: the next draft would have an empty text instead. */
export async function prepare(desk: Surroundings, html: string, fresh: boolean): Promise<boolean> {
  const wanted = html !== "" || (fresh && desk.settings().compose_format === "html");
  return !wanted || (await loadEditors(desk)) !== null || html === "";
}

/** The beginning of a new message, an answer or a draft. */
export function beginning(settings: AllSettings, prepared: Prepared): Beginning {
  const { kind, text, html, original, sample, selected, address } = prepared;
  const rest = { sample, forwarded: kind === "forward", quoted: "", original: "" };
  if (kind === "edit") return { ...rest, text, html, original, cursor: 0 };
  const answered = kind.startsWith("reply");
  // a selection is answered below, a whole text above (WEBMAIL-92)
  const below =
    kind === "new"
      ? text !== ""
      : answered && (settings.quoting === "bottom" || (settings.quoting === "auto" && selected !== ""));
  const [signature, signed] = [signatureOf(settings, address), signatureHTMLOf(settings, address)];
  const kept = below || selected !== "" ? "" : original;
  // what a person chose to quote stays in sight
  const folded = kept === "" && answered && !below && selected === "" ? text : "";
  const quote = folded + kept === "" ? text : "";
  const begun = begin(quote, signature, below);
  const empty = "<div><br></div>";
  const own = signatureHTML(signature, signed);
  const above = below && quote !== "" ? `${textToHTML(quote.trimEnd())}${empty}` : empty;
  const after = !below && quote !== "" ? empty + textToHTML(quote) : "";
  const rich = settings.compose_format === "html" && editors !== null;
  return {
    ...rest,
    text: begun.text,
    html: rich ? above + (own === "" ? "" : empty + own) + after : "",
    cursor: begun.cursor,
    quoted: folded === "" ? "" : `\n\n${folded}`,
    original: kept,
  };
}

export class Words {
  readonly root = el("div", { class: "compose-words" });
  /** Switches between plain text and HTML. */
  readonly formatButton = el(
    "button",
    {
      type: "button",
      class: "link compose-icon",
      title: withKey(t("Formatting"), "ctrl F"),
      "aria-label": t("Formatting"),
      onclick: () => void this.toggle(),
    },
    symbol(typeTool),
  );
  private readonly field = el("textarea", {
    autocomplete: "off",
    class: "compose-text",
    "aria-label": t("Text"),
    dir: "auto",
    spellcheck: "true",
    oninput: () => this.hooks.changed(),
  });
  private readonly foldButton = el(
    "button",
    {
      type: "button",
      class: "compose-quoted",
      "aria-label": t("Show quote"),
      title: t("Show quote"),
      onclick: () => this.unfold(),
    },
    "…",
  );
  private rich: Rich | null = null;
  /** The quoted text, as long as it is folded away. */
  private quoted: string;
  private original: string;
  private readonly forwarded: boolean;
  private readonly sample: number;
  /** HTML that became this plain text: going back loses nothing if the text is the same. */
  private former = { html: "", text: "" };

  constructor(
    private readonly desk: Surroundings,
    private readonly hooks: Hooks,
    start: Beginning,
    private address: string,
  ) {
    [this.quoted, this.original, this.sample, this.forwarded] = [
      start.quoted,
      start.original,
      start.sample,
      start.forwarded,
    ];
    this.field.value = start.text;
    this.root.append(this.field, this.foldButton);
    if (this.original !== "") this.root.append(this.originalBox());
    this.foldButton.hidden = this.quoted === "";
    if (start.html !== "" && editors !== null) this.enrich(start.html);
    this.field.setSelectionRange(start.cursor, start.cursor);
    this.showFormat();
  }

  get value(): Value {
    if (this.rich === null) return { text: this.field.value + this.quoted, html: "", original: this.original };
    return {
      text: "",
      html: this.rich.html() + (this.quoted === "" ? "" : textToHTML(this.quoted.trim())),
      original: this.original,
    };
  }

  /** What a message begins with that goes on from here: after it was taken back. */
  get state(): Beginning {
    const own = this.rich?.html() ?? "";
    return {
      text: this.field.value,
      html: own,
      quoted: this.quoted,
      original: this.original,
      sample: this.sample,
      forwarded: this.forwarded,
      cursor: this.field.selectionStart,
    };
  }

  /** The words that were typed, as text. */
  get typed(): string {
    return this.rich?.text() ?? this.field.value;
  }

  /** Ids of the uploaded pictures in the text. */
  get pictures(): string[] {
    return this.rich?.pictures() ?? [];
  }

  /** Number of pictures that are on their way to the server. */
  get unfinished(): number {
    return this.rich?.pending() ?? 0;
  }

  focus(): void {
    if (this.rich === null) this.field.focus({ preventScroll: true });
    else this.rich.focus();
  }

  /** Put text, or HTML where it is written, at the cursor. */
  insert(text: string, html: string): void {
    this.focus();
    if (this.rich !== null) this.rich.insert(html === "" ? textToHTML(text) : html);
    else this.field.setRangeText(text, this.field.selectionStart, this.field.selectionEnd, "end");
    this.hooks.changed();
  }

  /** Exchange the signature after the author's address has changed, if it was left as it is. */
  sign(address: string): void {
    const settings = this.desk.settings();
    const [before, after] = [signatureOf(settings, this.address), signatureOf(settings, address)];
    if (this.rich !== null) {
      const [old, now] = [this.address, address].map((one) =>
        signatureHTML(signatureOf(settings, one), signatureHTMLOf(settings, one)),
      );
      this.rich.exchange(old!, now!);
    } else {
      const { selectionStart } = this.field;
      this.field.value = exchange(this.field.value, before, after);
      this.field.setSelectionRange(selectionStart, selectionStart);
    }
    this.address = address;
  }

  /** Write HTML instead of plain text, or the other way round. The choice is remembered. */
  async toggle(): Promise<void> {
    if (this.rich === null) {
      // a second press while the editor comes asks for nothing else
      if ((await loadEditors(this.desk)) === null || this.rich !== null) return;
      this.enrich(this.field.value === this.former.text && this.former.html !== "" ? this.former.html : this.asHTML());
    } else {
      this.former = { html: this.rich.html(), text: this.rich.text() };
      this.field.value = this.former.text;
      this.rich.root.replaceWith(this.field);
      this.rich.close();
      this.rich = null;
    }
    this.showFormat();
    this.focus();
    this.hooks.changed();
    const format = this.rich === null ? "text" : "html";
    if (this.desk.settings().compose_format !== format)
      await attempt(t("Saving…"), t("Couldn't save settings"), () =>
        this.desk.client.settings_save({ compose_format: format }),
      );
  }

  /** Drop or paste: files; true if they were taken. */
  take(files: readonly File[]): boolean {
    if (files.length === 0) return false;
    const left = this.rich?.take(files) ?? files;
    if (left.length > 0) this.hooks.attach(left);
    return true;
  }

  close(): void {
    this.rich?.close();
  }

  /** The plain text as HTML; a signature that was left as it is gets its own HTML. */
  private asHTML(): string {
    const settings = this.desk.settings();
    const own = signatureOf(settings, this.address);
    const parts = around(this.field.value, own);
    if (parts === null) return textToHTML(this.field.value);
    const [above, below] = parts;
    return (
      textToHTML(above) +
      signatureHTML(own, signatureHTMLOf(settings, this.address)) +
      (below === "" ? "" : textToHTML(below.slice(1)))
    );
  }

  private enrich(html: string): void {
    const { rich, squire } = editors!;
    this.rich = rich.openEditor(squire.Squire, html, { ...this.hooks, client: this.desk.client, base: this.desk.base });
    this.field.replaceWith(this.rich.root);
    this.root.append(this.rich.tools);
  }

  private showFormat(): void {
    this.formatButton.setAttribute("aria-pressed", String(this.rich !== null));
  }

  /** Put the quoted text back into the text, where it can be changed. */
  private unfold(): void {
    const quoted = this.quoted;
    this.quoted = "";
    this.foldButton.hidden = true;
    if (this.rich !== null) this.rich.add(textToHTML(quoted.trimEnd()));
    else {
      const { selectionStart } = this.field;
      this.field.value += quoted;
      this.field.setSelectionRange(selectionStart, selectionStart);
    }
    this.focus();
  }

  /** The original below the text: folded, a page of the server, and a way to leave it out. */
  private originalBox(): HTMLElement {
    const title = this.forwarded ? t("Forwarded message") : t("Original message");
    const frame = el("iframe", {
      class: "compose-original-page",
      title,
      sandbox: "allow-popups allow-popups-to-escape-sandbox",
    });
    const box = el(
      "details",
      {
        class: "compose-original",
        ontoggle: () => {
          if (box.open && this.sample > 0 && !frame.hasAttribute("src"))
            frame.src = `${this.desk.base}msg/${this.sample}/html`;
        },
      },
      el("summary", {}, title),
      this.sample > 0 && frame,
      el(
        "p",
        { class: "compose-original-foot" },
        t("The original is sent unchanged below your text."),
        el(
          "button",
          {
            type: "button",
            class: "link",
            onclick: () => {
              this.original = "";
              box.remove();
              this.focus();
              this.hooks.changed();
            },
          },
          t("Remove"),
        ),
      ),
    );
    return box;
  }
}
