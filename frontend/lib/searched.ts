// Names of searches, which addresses have instead of their words: browsers keep addresses in a history that the next person can
// read, but the words are in this tab's storage alone (WEBMAIL-183).

import { remember } from "./stored";

/** Key in the tab's storage: the words of searches, in the order of their names. */
const key = "moxlite-searched";
/** Searches with names of their own in a tab; further ones share the last name. */
const most = 500;
const form = /^~(\d+)~$/;

const load = (): string[] => JSON.parse(sessionStorage.getItem(key) ?? "[]") as string[];

/** The name of a search, such as `~3~`; "" for no words, and a name for itself. */
export function nameOfSearch(words: string): string {
  if (words === "" || form.test(words)) return words;
  const kept = load();
  const known = kept.indexOf(words);
  if (known >= 0) return `~${known}~`;
  const place = Math.min(kept.length, most - 1);
  remember(key, JSON.stringify([...kept.slice(0, place), words]), sessionStorage);
  return `~${place}~`;
}

/** The words of a search by its name, "" for that of another tab. A typed address has the words themselves. */
export function wordsOfSearch(name: string): string {
  const place = form.exec(name)?.[1];
  return place === undefined ? name : (load()[Number(place)] ?? "");
}

/** Have the webmail search for words. */
export function openSearch(words: string): void {
  location.hash = `search:${nameOfSearch(words)}`;
}

/** What a click on a link does that has the webmail search for words. */
export const searchFor = (words: string) => (event: Event) => {
  event.preventDefault();
  openSearch(words);
};

/** Remove the words: they are a former user's. */
export const forgetSearches = (): void => sessionStorage.removeItem(key);
