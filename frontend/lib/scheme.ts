// Light or dark, whatever the system says (WEBMAIL-10): the sheets ask for the scheme in media queries, whose words are put
// in their place. So sheets of the administrator follow as well.

export type Scheme = "auto" | "light" | "dark";

const queries: Record<Scheme, string> = { auto: "(prefers-color-scheme: dark)", light: "not all", dark: "all" };
const dark = new Set<CSSMediaRule>();

/** Paint the page so. */
export function paint(scheme: Scheme): void {
  if (dark.size === 0) {
    for (const sheet of document.styleSheets) {
      for (const rule of sheet.cssRules) {
        if (rule instanceof CSSMediaRule && /prefers-color-scheme:\s*dark/.test(rule.conditionText)) dark.add(rule);
      }
    }
  }
  for (const rule of dark) rule.media.mediaText = queries[scheme];
  document.documentElement.style.colorScheme = scheme === "auto" ? "" : scheme;
}
