// Parsing and formatting of names and addresses.

import type { Party } from "../../gen/webmail";

/** Addresses of a typed or pasted text: split at commas, semicolons and line ends outside of quotes and brackets. */
export function parseParties(text: string): Party[] {
  const pieces: string[] = [];
  let piece = "";
  let quoted = false;
  let inside = false;
  for (const char of text) {
    if (char === '"') quoted = !quoted;
    else if (char === "<" && !quoted) inside = true;
    else if (char === ">" && !quoted) inside = false;
    if (!quoted && !inside && (char === "," || char === ";" || char === "\n")) {
      pieces.push(piece);
      piece = "";
    } else piece += char;
  }
  pieces.push(piece);
  return pieces
    .map((one) => one.trim())
    .filter((one) => one !== "")
    .map(parseParty);
}

function parseParty(text: string): Party {
  const match = /^(.*)<([^<>]*)>$/s.exec(text);
  if (match === null) return { name: "", address: text };
  const name = match[1]!
    .trim()
    .replace(/^"(.*)"$/s, "$1")
    .replace(/\\(.)/g, "$1");
  return { name, address: match[2]!.trim() };
}

/** The typed form: `Name <address>`. */
export function formatParty({ name, address }: Party): string {
  if (name === "") return address;
  return `${/[",;<>@:\\]/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name} <${address}>`;
}

/** Whether the text looks like an address; the server checks it again. */
export function looksRight(address: string): boolean {
  const at = address.lastIndexOf("@");
  const domain = address.slice(at + 1);
  return (
    at > 0 && !/\s/.test(domain) && /^[^.]+(\.[^.]+)*$/.test(domain) && (!/\s/.test(address) || address.startsWith('"'))
  );
}

/** Whether the text, outside of quotes, mentions a file. */
export function speaksOfFiles(text: string): boolean {
  const own = text
    .split("\n")
    .filter((line) => !line.startsWith(">"))
    .join("\n")
    .split(/^-- $/m)[0]!;
  return /\b(attach(ed|ment|ments|ing)?|enclosed|anhang|angehängt|beigefügt|ci-joint|pièces? jointes?|bijlage|adjunto)\b/iu.test(
    own,
  );
}
