// Files of messages while there is no connection: what a page does without those that this browser has not kept (WEBMAIL-121).

import { showError } from "../../lib/dialogs";
import { t } from "../../lib/words";
import { fileCache, fileKey } from "./names";

/** The text in place of a file that is not kept. */
export const missingText = (): string => t("This file isn't saved on this device. Connect to open it.");

/** The kept file of a message; undefined for a file that is not kept. */
export function keptFile(base: string, id: number, path: string): Promise<Response | undefined> {
  return caches.match(fileKey(base, id, path), { cacheName: fileCache, ignoreVary: true });
}

/** Without a connection a link to a download leads to a kept file alone: an error would take the place of the page. `path` gives
 * that of the file, "" for a file that is never kept. */
export function guardDownload(link: HTMLAnchorElement, base: string, id: number, path: () => string): void {
  link.addEventListener("click", (event) => {
    if (navigator.onLine) return;
    event.preventDefault();
    void keptFile(base, id, path()).then((kept) => {
      if (kept === undefined) void showError(t("Download"), new Error(missingText()));
      else location.assign(link.href);
    });
  });
}
