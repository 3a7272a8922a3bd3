// Stylesheets of parts. All of ours are in one layer, so that the administrator's take precedence, whenever ours are loaded.

/** Apply a part's stylesheet from now on. */
export function adopt(text: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text}}`);
  document.adoptedStyleSheets.push(sheet);
}
