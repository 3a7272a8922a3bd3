// What a new message begins with: asked for ahead, so that one is begun while the server doesn't answer (WEBMAIL-87b).

import type { Begun, Client } from "../../gen/webmail";
import { codeOf } from "../../lib/client";
import { newId } from "../../lib/steady";

/** Milliseconds for which the server's answer is awaited if an earlier one is known. */
const patience = 2_000;

/** The latest answers, by the mailbox that was shown, which may have a sender of its own. */
const known = new Map<number, Begun>();

/** A Message-ID that no other message has, of the domain of this one. */
export function freshId(message_id: string): string {
  return message_id.replace(/^<[^@]*/, `<${newId()}`);
}

/** The beginning of a new message in a mailbox, 0 for the user's own. */
export async function begun(client: Client, mailbox = 0): Promise<Begun> {
  const last = known.get(mailbox) ?? known.get(0);
  const asked = client.compose_prepare("new", 0, "", "", mailbox).then((answer) => {
    known.set(mailbox, answer);
    return answer;
  });
  if (last === undefined) return asked;
  const again = { ...last, message_id: freshId(last.message_id) };
  const answered = asked.catch((error: unknown) => {
    if (codeOf(error) !== "") throw error;
    return again;
  });
  return Promise.race([answered, new Promise<Begun>((resolve) => setTimeout(() => resolve(again), patience))]);
}
