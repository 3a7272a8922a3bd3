// Parts of an app, fetched once, when they are needed.

import { load } from "./imports";
import { reload } from "./reload";
import { toast } from "./toasts";
import { t } from "./words";

/** Hashes of the content of the app's parts, by name; `script/gen` defines them. */
declare const PARTS: Readonly<Record<string, string>>;

/** Relative to the page; esbuild would try to resolve a literal. */
const folder = "./part/";
const addressOf = (name: string) => `${folder}${name}.${PARTS[name]}.js`;
const loading = new Map<string, Promise<unknown>>();

/** The module of a part. It has its own copy of the library, so objects with state must be passed to it. */
export function part<T>(name: string): Promise<T> {
  let found = loading.get(name);
  if (found === undefined) {
    found = Promise.all([load(addressOf(name)), globalThis.moxliteLanguage?.rest()])
      .then(([module]): unknown => module)
      .catch((error: unknown) => {
        // the next attempt may succeed
        loading.delete(name);
        throw new Error(t("Couldn't load part of this page. Try again or reload the page."), { cause: error });
      });
    loading.set(name, found);
  }
  return found as Promise<T>;
}

const failed: (() => void)[] = [];

/** The module of a part that the page loads by itself. If it can't be loaded, a line offers to try again, once for all such parts: until then
 * this doesn't resolve. */
export function extra<T>(name: string): Promise<T> {
  return part<T>(name).catch(
    (error: Error) =>
      new Promise((resolve) => {
        const again = () => {
          for (const one of failed.splice(0)) one();
        };
        if (failed.push(() => resolve(extra(name))) === 1)
          toast(error.message, { title: t("Try again"), run: again }, 1e9);
      }),
  );
}

/** Load the page again if the server no longer has a part that couldn't be loaded: it's a newer one. For apps whose server doesn't tell them
 * of that by a stream. */
export async function reloadIfGone(name: string): Promise<void> {
  const answer = await fetch(addressOf(name), { method: "HEAD", cache: "no-store" }).catch(() => null);
  if (answer?.status === 404) await reload(t("A new version is available."));
}
