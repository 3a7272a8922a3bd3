// Web addresses in a text (WEBMAIL-79). Each step goes forward: a text of two million characters costs what its length says.

/** A piece of a line: text, or a link. `elsewhere` is the real host of a link that seems to name another, else "". */
export type Piece = string | { readonly url: string; readonly elsewhere: string };

const start = /\b(?:https?:\/\/|mailto:)[^\s<>"“”]+/g;
// what ends a sentence is seldom the end of an address; a bracket is, when it closes one inside
const trailing = new Set(".,;:!?'»”*_");

/** The line in pieces. */
export function linkPieces(line: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of line.matchAll(start)) {
    const url = withoutTrailing(match[0]);
    pieces.push(line.slice(end, match.index), { url, elsewhere: elsewhere(url) });
    end = match.index + url.length;
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

/** The host, when a name stands before an `@` where readers look for the host. */
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
