// Parts of an app that are fetched when they are needed, once.

import { t } from "./words";

/** File names of the parts of this app, with the hash of their content; `script/gen` puts them in. */
declare const PARTS: Readonly<Record<string, string>>;

/** Below the page; a literal would be looked for by esbuild. */
const folder = "./part/";
const loading = new Map<string, Promise<unknown>>();

/** The module of a part. It has its own copy of the library: give it what holds state. */
export function part<T>(name: string): Promise<T> {
  let found = loading.get(name);
  if (found === undefined) {
    found = import(folder + PARTS[name]).catch((error: unknown) => {
      // it may be there the next time
      loading.delete(name);
      throw new Error(t("A part of this page could not be loaded. Try again, or reload the page."), { cause: error });
    });
    loading.set(name, found);
  }
  return found as Promise<T>;
}
