// Plain text as the editor's HTML, as strings: the editor parses them by its own rules.

/** Text for HTML, with its runs of blanks. */
export function escaped(text: string): string {
  const signs: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text
    .replace(/[&<>"]/g, (sign) => signs[sign]!)
    .replace(/ {2}/g, " &nbsp;")
    .replace(/^ /, "&nbsp;");
}

/** Most levels of quotes that are told apart. */
const deepest = 20;

/** A text as HTML: a block for each line, quoted lines in quotes. */
export function textToHTML(text: string): string {
  let html = "";
  let level = 0;
  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    const [, signs = "", rest = ""] = /^((?:> ?)*)(.*)$/s.exec(line)!;
    const own = Math.min(deepest, signs.replace(/ /g, "").length);
    html += own > level ? "<blockquote>".repeat(own - level) : "</blockquote>".repeat(level - own);
    level = own;
    html += `<div>${rest === "" ? "<br>" : escaped(rest)}</div>`;
  }
  return html + "</blockquote>".repeat(level);
}

/** Class of the signature's block. */
export const signed = "moxlite-signature";

/** A signature as HTML: its own HTML, or its text; "" for none. */
export function signatureHTML(text: string, html: string): string {
  if (html === "" && text === "") return "";
  return `<div class="${signed}">${html === "" ? textToHTML(text) : `<div>--&nbsp;</div>${html}`}</div>`;
}
