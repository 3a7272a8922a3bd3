// A light or dark scheme independent of the system's (WEBMAIL-10). The stylesheets choose the scheme in media queries, whose
// conditions are replaced. So the administrator's stylesheets follow as well.

export type Scheme = "auto" | "light" | "dark";

const queries: Record<Scheme, string> = { auto: "(prefers-color-scheme: dark)", light: "not all", dark: "all" };
const dark = new Set<CSSMediaRule>();

function find(rules: CSSRuleList): void {
  for (const rule of rules) {
    if (rule instanceof CSSMediaRule && /prefers-color-scheme:\s*dark/.test(rule.conditionText)) dark.add(rule);
    else if (rule instanceof CSSLayerBlockRule) find(rule.cssRules);
  }
}

/** Apply the scheme to the page. */
export function paint(scheme: Scheme): void {
  if (dark.size === 0) {
    for (const sheet of document.styleSheets) find(sheet.cssRules);
  }
  for (const rule of dark) rule.media.mediaText = queries[scheme];
  document.documentElement.style.colorScheme = scheme === "auto" ? "" : scheme;
}

/** Whether the page is dark with this scheme. */
export function isDark(scheme: Scheme): boolean {
  return scheme === "dark" || (scheme === "auto" && matchMedia(queries.auto).matches);
}
