// Texts as strangers choose them: 2,000, each made of pieces that have broken some page somewhere, the same in each run.

const pieces: readonly string[] = [
  "<img src=x onerror=window.hacked=1>",
  "<script>",
  "</script>",
  '"><svg onload=1>',
  "javascript:1",
  "&lt;b&gt;",
  "&#0;",
  "<!--",
  "]]>",
  "$" + "{1}",
  "{{1}}",
  "`",
  "'",
  '"',
  "\\",
  "\u202e",
  "\u202d",
  "\u202c",
  "\u202a",
  "\u202b",
  "\u2066",
  "\u2067",
  "\u2068",
  "\u2069",
  "\u200e",
  "\u200f",
  "\u061c",
  "\u2028",
  "\u2029",
  "\ufeff",
  "\u00ad",
  "\u200b",
  "\u200d",
  "\u0000",
  "\u0007",
  "\u0008",
  "\t",
  "\n",
  "\u000b",
  "\f",
  "\r",
  "\r\n",
  "\u001b[2J",
  "\u001b]0;x\u0007",
  "\u007f",
  "\u0085",
  "\u009b31m",
  "\ud800",
  "\udfff",
  "\u{1f469}\u200d\u{1f469}",
  "\u{e0001}",
  "a\u0301\u0302\u0303".repeat(30),
  "שלום",
  "مرحبا 123",
  "ﷺ".repeat(20),
  "pаypаl",
  "ＦＵＬＬ",
  "x".repeat(900),
  "wide ".repeat(60),
  "\u00a0",
  "\u3000",
  "null",
  "__proto__",
  "constructor",
  "NaN",
  "-1",
  "1e999",
  "../../etc/passwd",
  "%00",
  "=cmd|' /C calc'!A1",
  "a@b",
  "https://evil.example/?a=b#c",
  "#accounts/x?tab=y",
  "?",
  "&",
  "/",
];

/** Numbers below `limit` that look random and are the same in each run. */
function numbers(): (limit: number) => number {
  let last = 20_261_122;
  return (limit) => {
    last = (Math.imul(last, 1_103_515_245) + 12_345) >>> 0;
    return (last >>> 8) % limit;
  };
}

/** 2,000 texts: each piece alone, then of up to eight pieces. */
export function strangers(): string[] {
  const next = numbers();
  const found = [...pieces];
  while (found.length < 2000)
    found.push(Array.from({ length: 2 + next(7) }, () => pieces[next(pieces.length)]!).join(""));
  return found;
}

/** Control characters that must not be left in a text that is shown: those that part words and lines may. */
export const raw = /\r(?!\n)|[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]/;
