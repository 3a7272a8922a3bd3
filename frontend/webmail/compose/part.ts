// Writing mail: opens composers for new messages and answers, and for messages that a killed browser has left.

import type { Begun, MessageItem } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { adopt } from "../../lib/sheets";
import { newId } from "../../lib/steady";
import type { Told } from "../../lib/language";
import { t, told } from "../../lib/words";
import choices from "../choices.css";
import type { Acting, Selection, Surroundings, Writing } from "../commands/desk";
import type { AllSettings } from "../state/settings";
import type * as WordsPart from "../words/part";
import { fullTime } from "../ui/format";
import { Composer, type Start } from "./composer";
import { addKeys as addWritingKeys } from "./keys";
import type { Kind, Say } from "./kinds";
import { parseMailto } from "./mailto";
import sheet from "./compose.css";
import recipients from "./recipients.css";

adopt(choices);
adopt(recipients);
adopt(sheet);

/** Add the composer's commands to the table of the page. */
export function addKeys(desk: Surroundings & Selection & Acting & Writing): void {
  addWritingKeys(
    desk,
    () => Composer.focused(),
    () => Composer.newest(),
  );
}

/** Close the composer that has the focus, or the newest; what was written is kept as a draft. */
export async function leave(): Promise<void> {
  await Composer.top()?.leave();
}

/** Close all composers, before a log-out: what was written is kept as drafts. False if one stays, which says why. */
export async function leaveAll(): Promise<boolean> {
  return Composer.leaveAll();
}

/** Open a composer. `selected` is text that is quoted instead of the whole text; `mailto` is an address that fills in a new
 * message; `leaves` is a message of the list that is left when it is sent. */
export async function compose(
  desk: Surroundings & Selection & Acting & Writing,
  say: Say,
  kind: Kind,
  item: MessageItem | null,
  selected: string,
  mailto = "",
  leaves = 0,
): Promise<void> {
  addKeys(desk);
  if (kind === "edit" && item !== null && Composer.focus(item.id)) return;
  if (!Composer.hasRoom(say)) return;
  const words = await desk.load<typeof WordsPart>("words");
  let begun: Begun | null = null;
  await attempt(t("Loading…"), t("Couldn't open editor"), async () => {
    // a message that is begun in a mailbox of a link, or of another account, goes out from there
    const here = Math.max(0, desk.here());
    const when = item === null ? "" : fullTime(item.date ?? item.received);
    begun =
      kind === "new"
        ? await words.begun(desk.client, here)
        : await desk.client.compose_prepare(kind, item?.id ?? 0, selected.slice(0, 200_000), when, here);
  });
  if (begun === null) return;
  if (mailto !== "") begun = { ...(begun as Begun), ...parseMailto(mailto) };
  if (!(await words.prepare(desk, begun.html ?? "", kind !== "edit"))) return;
  const began = start(desk.settings(), words, begun, kind, item, selected);
  began.copy.leaves = leaves;
  new Composer(desk, say, newId(), began, words);
  // what an older page has kept for times without a connection has none
  for (const note of begun.notes ?? []) say((await told(note as Told)).message);
}

function start(
  settings: AllSettings,
  words: typeof WordsPart,
  begun: Begun,
  kind: Kind,
  item: MessageItem | null,
  selected: string,
): Start {
  const { uploads, notes: _, name = begun.from.name, senders: others = [], ...fields } = begun;
  const { text, html = "", original = "" } = begun;
  const beginning = words.beginning(settings, {
    kind,
    text,
    html,
    original,
    sample: item?.id ?? 0,
    selected,
    address: begun.from.address,
  });
  const draft = item !== null && kind === "edit" && item.flags.includes("\\draft") ? item.id : 0;
  return {
    copy: {
      login: "",
      time: 0,
      draft: {
        ...fields,
        uploads: [],
        original_id: item !== null && kind !== "edit" ? item.id : 0,
        original_flag: kind === "new" || kind === "edit" ? "" : kind.startsWith("reply") ? "answered" : "forwarded",
      },
      senders: { name, others },
      files: uploads,
      draftId: draft,
      saveId: "",
      submitId: "",
    },
    beginning,
    focus: begun.to.length > 0 && kind !== "edit" ? "text" : "to",
    changed: false,
    judged: kind !== "reply_list" && begun.tls === "default",
  };
}

/** Open composers for messages that were left by pages that are gone. */
export async function recover(desk: Surroundings & Selection & Acting & Writing, say: Say): Promise<void> {
  addKeys(desk);
  const login = desk.facts().login_address;
  const words = await desk.load<typeof WordsPart>("words");
  for (const [id, copy] of await words.lostCopies(login)) {
    // a day later the server no longer knows the result of a call
    if (Date.now() - copy.time > 86_400_000) copy.submitId = copy.saveId = "";
    await words.refresh(desk.client, copy);
    const { text, html = "", original = "", original_id: answered = 0, original_flag: flag } = copy.draft;
    // the copy stays
    if (!(await words.prepare(desk, html, false))) continue;
    const beginning = {
      text,
      html,
      original,
      quoted: "",
      sample: answered || copy.draftId,
      forwarded: flag === "forwarded",
      cursor: text.length,
    };
    const room = Composer.hasRoom(() => {});
    const composer = new Composer(
      desk,
      say,
      id,
      { copy, beginning, focus: "text", changed: true, judged: copy.draft.tls === "default" },
      words,
    );
    // at once: if the page was killed while it sent, the server knows whether the message was sent
    if (room) void composer.save();
    else await composer.leave();
  }
}
