// Another time that a guest proposes for an event (WEBMAIL-129a).

import { attempt, dialog } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { once } from "../../lib/fields";
import { t } from "../../lib/words";
import { newId } from "../../lib/steady";
import { withDate } from "./times";

/** Local times of a form; of whole days the first and the last. */
export interface Times {
  readonly whole: boolean;
  readonly start: string;
  readonly end: string;
}

/** Ask for another time for an event; `send` proposes it to the organiser, once for each id. */
export async function propose(
  { whole, start, end }: Times,
  send: (start: string, end: string, id: string, note: string) => Promise<unknown>,
): Promise<boolean> {
  const field = (old: string) =>
    el("input", { class: "dialog-input", type: whole ? "date" : "datetime-local", value: old, required: true });
  const begins = field(start);
  const ends = field(end);
  const note = el("input", {
    class: "dialog-input",
    maxlength: "2000",
    dir: "auto",
  });
  ends.addEventListener("input", () => ends.setCustomValidity(""));
  /** What was sent last, which may have had no reply: the same is sent again under the same id, so it leaves once. */
  let last = { sent: "", id: "" };
  return dialog<boolean>(t("Propose a new time"), (close) => [
    el(
      "form",
      {
        onsubmit: once(async () => {
          if (ends.value < begins.value) {
            ends.setCustomValidity(t("The end must be after the start."));
            ends.reportValidity();
            return;
          }
          // the end of a whole day is the day after it (RFC 5545 §3.6.1)
          const sent = (field: string, days: number) =>
            whole ? withDate(field, days) : `${new Date(field).toISOString().slice(0, 16)}Z`;
          const values = [sent(begins.value, 0), sent(ends.value, 1), note.value.trim()] as const;
          if (last.sent !== values.join("\n")) last = { sent: values.join("\n"), id: newId() };
          const [from, to, words] = values;
          const done = await attempt(t("Sending…"), t("Couldn't send proposal"), () => send(from, to, last.id, words));
          if (done) close(true);
        }),
      },
      el("label", { class: "field" }, t("New start"), begins),
      el("label", { class: "field" }, t("New end"), ends),
      el("label", { class: "field" }, t("Note to organizer"), note),
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")),
        el("button", { class: "btn primary", type: "submit" }, t("Send")),
      ),
    ),
  ]).then((done) => done === true);
}
