// Signatures below the text, and the place of an answer above or below the quote (WEBMAIL-92, 105, 126).

import type { AllSettings } from "../state/settings";

/** The signature of an address, with its dashes (RFC 3676 §4.3), or "". */
export function signatureOf(settings: Pick<AllSettings, "signature" | "signatures">, address: string): string {
  const own = settings.signatures.find((one) => one.address === address)?.text ?? settings.signature;
  return own.trim() === "" ? "" : `-- \n${own.trimEnd()}`;
}

/** The HTML of the signature of an address, without its dashes; "" where it is plain text. */
export function signatureHTMLOf(settings: Pick<AllSettings, "signature_html" | "signatures">, address: string): string {
  const own = settings.signatures.find((one) => one.address === address);
  return own === undefined ? settings.signature_html : (own.html ?? "");
}

export interface Beginning {
  readonly text: string;
  /** Position of the cursor. */
  readonly cursor: number;
}

/** The initial text of an answer or a new message; `below`: the user writes below the quote. */
export function begin(quoted: string, signature: string, below: boolean): Beginning {
  const own = signature === "" ? "" : `\n\n${signature}`;
  if (quoted === "") return { text: own, cursor: 0 };
  if (!below) return { text: `${own}\n\n${quoted}`, cursor: 0 };
  const start = `${quoted.trimEnd()}\n\n`;
  return { text: start + own, cursor: start.length };
}

/** The text with the signature exchanged, if the old one is in it unchanged; else the text as it is. */
export function exchange(text: string, before: string, after: string): string {
  if (before === after) return text;
  if (before === "") return text.includes("\n-- \n") || text.includes("\n> ") ? text : `${text.trimEnd()}\n\n${after}`;
  const parts = around(text, before);
  if (parts === null) return text;
  const [above, below] = parts;
  return after === "" ? above.trimEnd() + below : `${above}\n${after}${below}`;
}

/** The text above and below a signature that is in it unchanged, else null. */
export function around(text: string, signature: string): [string, string] | null {
  const at = text.lastIndexOf(`\n${signature}`);
  const end = at + 1 + signature.length;
  return signature === "" || at < 0 || (end < text.length && text[end] !== "\n")
    ? null
    : [text.slice(0, at), text.slice(end)];
}
