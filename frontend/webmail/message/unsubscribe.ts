// Leaving a mailing list or newsletter from the head of a message (WEBMAIL-136): by the server's request, else by a message, else on
// the sender's page. The sender is remembered; one that goes on after ten days can be blocked.

import type { MessageItem, ParsedMessage } from "../../gen/webmail";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el, isolated } from "../../lib/dom";
import { toast } from "../../lib/toasts";
import { t } from "../../lib/words";
import { saidTime, shortAddress } from "../ui/format";

export interface Leaving {
  /** Call the server, which remembers it; with `byPost` it asks the sender's server. */
  leave(id: number, byPost: boolean): Promise<unknown>;
  /** Open a new message by a mailto link. */
  write(link: string): void;
  /** Send further mail of the sender to Junk. */
  block(item: MessageItem): void;
}

/** The line about leaving: a button, or when it was left. `again` is called when that has changed. */
export function leavingLine(item: MessageItem, parsed: ParsedMessage, owner: Leaving, again: (parsed: ParsedMessage) => void): Child {
  const found = parsed.unsubscribe;
  if (found === null) return null;
  const [from] = item.from;
  const name = isolated(from === undefined ? found.host : shortAddress(from));
  const left = () => {
    again({ ...parsed, unsubscribe: { ...found, at: new Date().toISOString() } });
    toast(t("Unsubscribed from {name}", { name }));
  };
  if (found.at !== null) {
    const time = saidTime(found.at, Date.now());
    if (!found.still_sends) return el("span", { class: "unsubscribed" }, t("Unsubscribed {time}", { time }));
    return [
      el("span", { class: "unsubscribed" }, t("Unsubscribed {time}, and still writes", { time })),
      el("button", { class: "link unsubscribe", onclick: () => owner.block(item) }, t("Block")),
    ];
  }
  const byHand = async () => {
    if (found.mailto !== "") owner.write(found.mailto);
    else window.open(found.link, "_blank", "noopener,noreferrer");
    await owner.leave(item.id, false);
    again({ ...parsed, unsubscribe: { ...found, at: new Date().toISOString() } });
  };
  const run = async () => {
    if (found.one_click === "") {
      const how =
        found.mailto !== "" ? t("A message to {name} is prepared. You are unsubscribed when you have sent it.", { name }) : t("The page of {host} opens, where you finish it.", { host: isolated(found.host) });
      if (await confirm(t("Unsubscribe from {name}?", { name }), how, found.mailto !== "" ? t("Write the message") : t("Open the page"))) await attempt(t("Unsubscribing"), byHand);
      return;
    }
    if (!(await confirm(t("Unsubscribe from {name}?", { name }), t("The server tells {host} once that you want no more mail.", { host: isolated(found.host) }), t("Unsubscribe")))) return;
    try {
      await owner.leave(item.id, true);
      left();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const next = found.mailto !== "" ? t("Write a message instead") : t("Open their page instead");
      toast(t("Not unsubscribed: {reason}", { reason: isolated(reason) }), { title: next, run: () => void attempt(t("Unsubscribing"), byHand) });
    }
  };
  return el("button", { class: "link unsubscribe", onclick: () => void run() }, t("Unsubscribe"));
}
