// Leaving a mailing list or newsletter (WEBMAIL-136): by the server's request, else by a message, else on the sender's page.

import { codeOf } from "../../lib/client";
import { attempt, confirm } from "../../lib/dialogs";
import { isolated } from "../../lib/dom";
import { toast } from "../../lib/toasts";
import { t } from "../../lib/words";
import type { Surroundings, Writing } from "../commands/desk";
import type { Listed } from "../message/unsubscribe";

/** Ask, then leave. `again` is called with the time when that is done; a message that leaves is written after `close`. */
export async function leave(
  { client, compose }: Pick<Surroundings & Writing, "client" | "compose">,
  { id, name, unsubscribe: ways }: Listed,
  again: (at: string) => void,
  close = () => {},
): Promise<void> {
  if (ways === null) return;
  const left = () => again(new Date().toISOString());
  const byHand = async () => {
    if (ways.mailto !== "") {
      close();
      compose("new", ways.mailto, id);
      return;
    }
    window.open(ways.link, "_blank", "noopener,noreferrer");
    await client.unsubscribe(id, false);
    left();
  };
  const tryByHand = () => void attempt(t("Unsubscribing…"), t("Couldn't unsubscribe"), byHand);
  const title = t("Unsubscribe from {name}?", { name });
  const host = isolated(ways.host);
  if (ways.one_click === "") {
    const byPost = ways.mailto !== "";
    const how = byPost
      ? t("To unsubscribe, send the message we've prepared to {name}.", { name })
      : t("You'll be taken to {host} to finish.", { host });
    if (await confirm(title, how, byPost ? t("Write message") : t("Open page"))) tryByHand();
    return;
  }
  if (!(await confirm(title, t("We'll send an unsubscribe request to {host}.", { host }), t("Unsubscribe")))) return;
  try {
    await client.unsubscribe(id, true);
    left();
    toast(t("Unsubscribed from {name}", { name }));
  } catch (error) {
    const reason = isolated(error instanceof Error ? error.message : String(error));
    const next = ways.mailto !== "" ? t("Email instead") : t("Open website instead");
    // without an answer nothing is known of the sender's server: the same button asks again
    toast(
      t("Couldn't unsubscribe: {reason}", { reason }),
      codeOf(error) === "" ? undefined : { title: next, run: tryByHand },
    );
  }
}
