// Leaving a mailing list or newsletter from the head of a message (WEBMAIL-136): by the server's request, else by a message, else on
// the sender's page. The sender is remembered; one that goes on after ten days can be blocked.

import type { ParsedMessage } from "../../gen/webmail";
import { codeOf } from "../../lib/client";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el, isolated } from "../../lib/dom";
import { toast } from "../../lib/toasts";
import { t } from "../../lib/words";
import { saidTime } from "../ui/format";

export interface Leaving {
  /** Call the server, which remembers it; with `byPost` it asks the sender's server. */
  leave(id: number, byPost: boolean): Promise<unknown>;
  /** Open a new message by a mailto link; when it is sent, the sender of this message is left. */
  write(link: string, id: number): void;
  /** Send further mail of the sender to Junk. */
  block(): void;
}

/** A message of a list or newsletter: the sender's name as it is shown, and the ways to leave. */
export interface Listed {
  readonly id: number;
  readonly name: string;
  readonly unsubscribe: ParsedMessage["unsubscribe"];
}

/** The line about leaving: a button, or when it was left. `again` is called with the time when that has changed. */
export function leavingLine(
  { id, name, unsubscribe: found }: Listed,
  owner: Leaving,
  again: (at: string) => void,
): Child {
  if (found === null) return null;
  const left = () => {
    again(new Date().toISOString());
    toast(t("Unsubscribed from {name}", { name }));
  };
  if (found.at !== null) {
    const time = saidTime(found.at, Date.now());
    if (!found.still_sends) return el("span", { class: "unsubscribed" }, t("Unsubscribed {time}", { time }));
    return [
      el("span", { class: "unsubscribed" }, t("Unsubscribed {time}, but still getting mail", { time })),
      el("button", { class: "link unsubscribe", onclick: () => owner.block() }, t("Block")),
    ];
  }
  const byHand = async () => {
    if (found.mailto !== "") {
      owner.write(found.mailto, id);
      return;
    }
    window.open(found.link, "_blank", "noopener,noreferrer");
    await owner.leave(id, false);
    again(new Date().toISOString());
  };
  const run = async () => {
    if (found.one_click === "") {
      const how =
        found.mailto !== ""
          ? t("To unsubscribe, send the message we've prepared to {name}.", { name })
          : t("You'll be taken to {host} to finish.", { host: isolated(found.host) });
      if (
        await confirm(
          t("Unsubscribe from {name}?", { name }),
          how,
          found.mailto !== "" ? t("Write message") : t("Open page"),
        )
      )
        await attempt(t("Unsubscribing…"), t("Couldn't unsubscribe"), byHand);
      return;
    }
    if (
      !(await confirm(
        t("Unsubscribe from {name}?", { name }),
        t("We'll send an unsubscribe request to {host}.", { host: isolated(found.host) }),
        t("Unsubscribe"),
      ))
    )
      return;
    try {
      await owner.leave(id, true);
      left();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // without an answer nothing is known of the sender's server: the same button asks again
      if (codeOf(error) === "") {
        toast(t("Couldn't unsubscribe: {reason}", { reason: isolated(reason) }));
        return;
      }
      const next = found.mailto !== "" ? t("Email instead") : t("Open website instead");
      toast(t("Couldn't unsubscribe: {reason}", { reason: isolated(reason) }), {
        title: next,
        run: () => void attempt(t("Unsubscribing…"), t("Couldn't unsubscribe"), byHand),
      });
    }
  };
  return el("button", { class: "link unsubscribe", onclick: () => void run() }, t("Unsubscribe"));
}
