// What the pages of the account app have in common. Parts import types alone from here and are given a `Desk`.

import type { Client, Settings } from "../../gen/account";
import type { Place } from "../../lib/pages";

/** The settings of writing and reading (WEBMAIL-105). */
export type Preferences = Required<Settings>;

/** What a page is given. */
export interface Desk {
  readonly client: Client;
  /** Path of the app, with a slash at its end. */
  readonly base: string;
  /** Path of the webmail at this address, with a slash at its end; "" if it is elsewhere. */
  readonly webmail: string;
  /** What comes behind the page's name in the address, decoded. */
  readonly path: readonly string[];
  /** Show this page again, with new data. */
  refresh(): Promise<void>;
  /** Go to an address, such as `#security`. */
  go(address: string): void;
  /** A short message. */
  say(text: string): void;
  /** Save settings of writing and reading at once, and offer to take that back. Whether it was done. `back` shows
   * what was before: false if it can't, then the page is drawn again. */
  keep(changed: Partial<Preferences>, back?: () => boolean): Promise<boolean>;
  /** The module of another part. */
  load<T>(part: string): Promise<T>;
  /** Call when the page is left. */
  onLeave(act: () => void): void;
  /** Whether this page is still shown. */
  readonly shown: () => boolean;
  /** All pages in their places, and how each is made. */
  readonly places: readonly Place[];
  find(page: string): Promise<MakePage>;
  /** Mark a setting on the page that is shown next, by its text. */
  mark(setting: string): void;
  /** Read the overview again, for the foot of the side bar. */
  recount(): Promise<void>;
}

/** Makes a page: its title for the window, and its content. */
export type MakePage = (desk: Desk) => Promise<{ title: string; root: HTMLElement }>;

/** A part of the app with pages. */
export interface PagePart {
  readonly pages: Readonly<Record<string, MakePage>>;
}
