// The link by which one joins an event.

import { el, isolated } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import { meant } from "../../lib/words";
import sheet from "./join.css";

adopt(sheet);

/** The button that opens the link of an event, with its host beside it if it is `named`; false for none. */
export function joinLink(link: string | undefined, named = false): HTMLElement | false {
  if (link === undefined || !/^https?:/i.test(link)) return false;
  const host = URL.canParse(link) ? new URL(link).host : link;
  const button = el(
    "a",
    { class: "btn event-join", href: link, target: "_blank", rel: "noopener noreferrer", title: link },
    meant("event", "Join"),
  );
  return named ? el("p", { class: "event-joining" }, button, el("bdi", { dir: "ltr" }, isolated(host))) : button;
}
