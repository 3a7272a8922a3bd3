// Stylesheets of parts. All of ours is in one layer, so that what the administrator adds counts more, whenever ours comes.

/** Have a part's stylesheet count, from now on. */
export function adopt(text: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text}}`);
  document.adoptedStyleSheets.push(sheet);
}
