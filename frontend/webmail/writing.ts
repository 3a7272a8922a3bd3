// The implementation of the commands that open composers, and the addresses and links that do.

import { attempt } from "../lib/dialogs";
import { typedUntil } from "../lib/keyboard";
import { part } from "../lib/parts";
import { toast } from "../lib/toasts";
import { t } from "../lib/words";
import type { Desk, Writing } from "./commands/desk";
import type * as ComposePart from "./compose/part";
import type { Drawer } from "./ui/drawer";
import type { Reader } from "./ui/reader";

interface Page {
  readonly drawer: Drawer;
  readonly reader: Reader;
  readonly desk: Desk;
}

export function writing(page: Page): Writing {
  const { drawer, reader } = page;
  return {
    compose(kind, mailto = "", leaves = 0) {
      drawer.close();
      const selection = getSelection();
      const selected = selection !== null && reader.root.contains(selection.anchorNode) ? selection.toString() : "";
      const item = kind === "new" ? null : reader.current();
      void attempt(t("Loading…"), t("Couldn't open editor"), async () => {
        const [, typed] = await typedUntil(
          part<typeof ComposePart>("compose").then((found) =>
            found.compose(page.desk, toast, kind, item, selected, mailto, leaves),
          ),
        );
        document.execCommand("insertText", false, typed);
      });
    },
    dock: (...asked) => reader.dock(...asked),
  };
}

/** Open composers for messages that a killed page has left. */
export function recover(desk: Desk): void {
  const keys = Object.keys({ ...localStorage, ...sessionStorage });
  if (!keys.some((key) => key.startsWith("moxlite-webmail-draft-"))) return;
  void attempt(t("Restoring…"), t("Couldn't restore draft"), async () =>
    (await part<typeof ComposePart>("compose")).recover(desk, toast),
  );
}

/** `#compose mailto:…` asks for a composer (WEBMAIL-63): its link, removed from the address; "" if the address has another
 * form. */
export function askedLink(): string {
  const asked = /^#compose(?: |%20)(.+)$/.exec(location.hash)?.[1];
  if (asked === undefined) return "";
  history.replaceState(null, "", location.pathname + location.search);
  return asked;
}

/** Open the composer for mailto: links in a page (WEBMAIL-79). */
export function writeTo(page: Document, desk: Writing): void {
  page.addEventListener("click", (event) => {
    // an element in a frame has that frame's classes
    const link = (event.target as Element | null)?.closest("[href]")?.getAttribute("href") ?? "";
    if (!/^mailto:/i.test(link)) return;
    event.preventDefault();
    desk.compose("new", link);
  });
}
