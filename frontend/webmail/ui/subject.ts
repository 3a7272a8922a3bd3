// The subject as the heading of the message or thread that is read.

import type { MessageItem } from "../../gen/webmail";
import { el, isolated } from "../../lib/dom";
import { t } from "../../lib/words";

export function subjectOf(item: MessageItem): HTMLElement {
  return el("h1", { class: "reader-subject", dir: "auto" }, isolated(item.subject) || t("(no subject)"));
}
