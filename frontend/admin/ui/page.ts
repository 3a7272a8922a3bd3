// What pages of the admin app have in common. Parts import types alone from here and are given a `Desk`.

import type { Client, Happenings } from "../../gen/admin";
import { nameOfSearch, wordsOfSearch } from "../../lib/searched";

/** A place in the app, as its address names it: `#accounts/mia?tab=mail`. */
export interface Address {
  readonly page: string;
  /** What comes behind the page's name, decoded. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** What a page is given. */
export interface Desk {
  readonly client: Client;
  readonly address: Address;
  /** What a stream told, checked. */
  happenings(told: unknown): Happenings;
  /** Show this page again, with new data. */
  refresh(): Promise<void>;
  /** Go to an address, such as `#accounts/mia`. */
  go(address: string): void;
  /** Replace the address without showing the page again, and without a step back. */
  note(address: string): void;
  /** Show a number behind a page's title in the side bar. */
  count(page: string, text: string): void;
  /** A short message, perhaps with a way to undo what was done. */
  say(text: string, undo?: { title: string; run(): void }): void;
  /** Call when the page is left. */
  onLeave(act: () => void): void;
  /** A card about mail for addresses of a domain that are not here. */
  peer(domain: string): HTMLElement;
  /** A card about who and what has access to an account. */
  access(account: string): Promise<HTMLElement>;
  /** Whether this page is still shown. */
  readonly shown: () => boolean;
}

/** Makes a page: its title for the window, and its content. */
export type MakePage = (desk: Desk) => Promise<{ title: string; root: HTMLElement }>;

/** A part of the app with pages. */
export interface PagePart {
  readonly pages: Readonly<Record<string, MakePage>>;
}

/** An address of the app. */
export function addressOf(
  page: string,
  path: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
): string {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const tail = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
  return `#${[page, ...path.map(encodeURIComponent)].join("/")}${tail}`;
}

/** Read an address; `""` is the overview. */
export function read(hash: string): Address {
  const [path = "", query = ""] = hash.slice(1).split("?", 2);
  const names = path.split("/").map(decoded);
  const fields = new URLSearchParams(query);
  for (const [name, value] of [...fields]) fields.set(name, wordsOfSearch(value));
  return { page: names[0] || "overview", path: names.slice(1), query: fields };
}

/** Fields of filters into which people type words. */
const typed = ["search", "words", "sender", "recipient", "account", "actor", "object"];

/** An address with names for what people typed into the filters of its page. */
export function withoutWords(address: string): string {
  const [path = "", query] = address.split("?", 2);
  if (query === undefined) return address;
  const fields = new URLSearchParams(query);
  for (const name of typed.filter((one) => fields.has(one))) fields.set(name, nameOfSearch(fields.get(name)!));
  return `${path}?${fields}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
