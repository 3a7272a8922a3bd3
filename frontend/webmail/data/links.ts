// Finding web addresses in a text (WEBMAIL-79). The time is linear in the length of the text, up to two million characters.

/** A piece of a line: text, or a link with its text. `elsewhere` is the real host of a link that imitates another host, else "". */
export type Piece = string | { readonly text: string; readonly url: string; readonly elsewhere: string };

// an address with a scheme, a web address without, or that of a mailbox, which begins after a blank or bracket
const start =
  /\b(?:(?:https?|webcal):\/\/|(?:mailto|sms|tel):|www\.)[^\s<>"“”]+|(?<![^\s<([,;:"'])[^\s<>()[\]",;:@'][^\s<>()[\]",;:@]*@[^\s<>()[\]",;:@]+\.[^\s<>()[\]",;:@.\d]{2,}/g;
// punctuation rarely ends an address; a closing bracket does if it is opened inside
const trailing = new Set(".,;:!?'»”*_");

/** Split a line into text and links. */
export function linkPieces(line: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of line.matchAll(start)) {
    const text = withoutTrailing(match[0]);
    const url = text.startsWith("www.") ? `https://${text}` : text.includes(":") ? text : `mailto:${encodeURI(text)}`;
    pieces.push(line.slice(end, match.index), { text, url, elsewhere: elsewhere(url) });
    end = match.index + text.length;
  }
  pieces.push(line.slice(end));
  return pieces;
}

function withoutTrailing(url: string): string {
  let closing = 0;
  for (const char of url) closing += char === ")" ? 1 : char === "(" ? -1 : 0;
  let end = url.length;
  for (; end > 0; end--) {
    const last = url[end - 1]!;
    if (last === ")" && closing > 0) closing--;
    else if (!trailing.has(last)) break;
  }
  return url.slice(0, end);
}

/** The real host of an address that has a name before an `@`, where readers expect the host; else "". */
function elsewhere(url: string): string {
  if (!/^https?:/i.test(url)) return "";
  const authority = /^[^/\\?#]*/.exec(url.slice(url.indexOf("//") + 2))![0];
  if (!authority.includes("@")) return "";
  try {
    return new URL(url).host;
  } catch {
    return "";
  }
}
