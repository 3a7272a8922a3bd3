// Stylesheets of parts. All of ours are in one layer, so that the administrator's take precedence, whenever ours are loaded.

declare global {
  /** Texts of the adopted stylesheets. */
  var moxliteSheets: Set<string> | undefined;
}

/** Apply a part's stylesheet from now on. Parts have copies of what they share: a sheet that is there isn't adopted again, or it would take
 * precedence over those that came after it. */
export function adopt(text: string): void {
  globalThis.moxliteSheets ??= new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text}}`);
  document.adoptedStyleSheets.push(sheet);
}
