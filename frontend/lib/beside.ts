// The accounts of this browser beside each other (WEBMAIL-179): each further one has a folder of its own below the app.

/** Path of this page, or of its service worker: that of the app, or of the folder of a further account. */
export const base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
/** The account of this page: "" for the first one of the browser, "1" to "7" for further ones. */
export const number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";

/** Beginning of the names of what the browser keeps for the webmail of an account. */
export const kept = (account = number): string => `moxlite-webmail${account}`;

/** The path of an account's page. */
export const pathOf = (account: string): string =>
  base.replace(/u\/[1-7]\/$/, "") + (account === "" ? "" : `u/${account}/`);

/** Login addresses of the accounts that this browser has, by their numbers. */
export function accounts(): Map<string, string> {
  const found = new Map<string, string>();
  for (const account of ["", ..."1234567"]) {
    const address = localStorage.getItem(`${kept(account)}-address`);
    if (address !== null) found.set(account, address);
  }
  return found;
}

/** Beginning of the names under which the browser keeps messages that are being written. */
export const copies = "moxlite-webmail-draft-";
/** Milliseconds for which it keeps them. */
const week = 7 * 86_400_000;

/** Remove messages that are a week old, or of a login that this browser no longer has. */
export function sweepCopies(): void {
  const logins = [...accounts().values()];
  for (const store of [localStorage, sessionStorage])
    for (const [key, text] of Object.entries(store)) {
      if (!key.startsWith(copies)) continue;
      try {
        const { login, time } = JSON.parse(text) as { login: string; time: number };
        if (logins.includes(login) && Date.now() - time < week) continue;
      } catch {
        // cut off by a full disk
      }
      store.removeItem(key);
    }
}

/** Remove all mail of an account that this browser keeps (WEBMAIL-121). */
export async function forgetMail(account = number): Promise<void> {
  localStorage.removeItem(`${kept(account)}-offline`);
  for (const name of ["mail", "files"]) await globalThis.caches?.delete(`${kept(account)}-${name}`);
  const request = indexedDB.deleteDatabase(kept(account));
  await new Promise((resolve) => {
    request.onsuccess = request.onerror = request.onblocked = resolve;
  });
}

/** Remove an account that is logged out from this browser. */
export async function forgetAccount(account: string): Promise<void> {
  for (const name of ["csrf", "address", "stays", "unsaved"]) localStorage.removeItem(`${kept(account)}-${name}`);
  await forgetMail(account);
}
