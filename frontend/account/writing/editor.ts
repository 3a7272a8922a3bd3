// The editor of HTML, in its own part.

import type { Keep } from "../../lib/unsaved";
import type { Rich } from "../../webmail/rich/part";
import type * as RichPart from "../rich/part";
import type * as SquirePart from "../squire/part";
import type { Desk } from "../ui/page";

/** Open an editor with this HTML. */
export async function openEditor(desk: Desk, html: string): Promise<Rich> {
  const [rich, { Squire }] = await Promise.all([
    desk.load<typeof RichPart>("rich"),
    desk.load<typeof SquirePart>("squire"),
  ]);
  const none = () => undefined;
  const { client, base } = desk;
  const editor = rich.openEditor(Squire, html, { client, base, changed: none, note: none, say: none, pictures: false });
  editor.root.dataset["kept"] = "";
  editor.root.addEventListener("keep", (event) => {
    const { detail } = event as Keep<string>;
    if (detail.value === undefined) detail.value = editor.html();
    else editor.put(detail.value);
  });
  return editor;
}
