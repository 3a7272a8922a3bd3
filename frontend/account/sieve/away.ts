// The vacation form: answers while the owner is away, and whom it told.

import type { VacationAnswer, VacationInfo } from "../../gen/account";
import { el } from "../../lib/dom";
import { atFields, choice, differing, type Field, field, form, line, tick } from "../../lib/fields";
import { card, foreign, head, table } from "../../lib/pages";
import { notice } from "../../lib/states";
import { when } from "../../lib/times";
import { meant, t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";

export const away: MakePage = async (desk) => {
  const found = await desk.client.account_vacation_show();
  const title = t("Vacation reply");
  return {
    title,
    root: el(
      "div",
      { class: "page" },
      head(title, t("Reply automatically while you're away.")),
      now(found),
      answer(desk, found),
      told(found.answered),
    ),
  };
};

function now(found: VacationInfo): HTMLElement | null {
  if (found.script)
    return notice(
      "warn",
      t("A Sieve script is active. If the script sends vacation replies, these settings won't apply."),
    );
  if (found.active) return notice("ok", t("Vacation reply on"));
  if (found.enabled && found.start > Date.now() * 1000)
    return notice("off", t("Vacation reply starts at the time below."));
  return null;
}

function answer(desk: Desk, old: VacationInfo): HTMLElement {
  const on = tick(t("Send vacation reply"), old.enabled);
  const start = line(meant("time", "From"), local(old.start), t("Leave blank to start now."), {
    type: "datetime-local",
  });
  const end = line(t("Until"), local(old.end), t("Leave blank for no end date."), { type: "datetime-local" });
  const subject = line(t("Subject"), old.subject, t("Leave blank to use “Auto:” and the message's subject."), {
    spellcheck: "true",
    maxlength: "200",
  });
  const told = old.addresses.join(", ");
  const further = line(t("Also reply to mail for"), told, t("For example, an alias. Separate with commas."));
  const area = el("textarea", { rows: 7, maxlength: "20000" });
  area.value = old.text;
  const text = field(meant("vacation", "Reply"), area);
  const html = old.html === "" ? null : markup(old.html);
  const known = choice(
    t("Reply to"),
    [
      ["all", t("anyone who emails me")],
      ["known", t("only people I've emailed")],
    ],
    old.known_only ? "known" : "all",
  );
  const box = form(
    [
      on.root,
      el("div", { class: "fields" }, start.root, end.root, known.root),
      further.root,
      subject.root,
      text.root,
      html?.root ?? null,
      el(
        "p",
        { class: "hint" },
        t(
          "Senders get one reply every 7 days. Mailing lists, newsletters, automated mail, and forged senders don't get replies.",
        ),
      ),
    ],
    t("Save"),
    async () => {
      const changed = {
        enabled: on.control.checked,
        start: instant(start.control.value),
        end: instant(end.control.value),
        subject: subject.control.value,
        text: area.value,
        ...(html === null ? {} : { html: html.control.value }),
        known_only: known.control.value === "known",
        ...(further.control.value === told
          ? {}
          : { addresses: further.control.value.split(/[\s,;]+/).filter(Boolean) }),
      };
      try {
        await desk.client.account_vacation_set(differing(old, changed), old.mark);
      } catch (error) {
        atFields(error, { start, end, addresses: further, subject, text, ...(html === null ? {} : { html }) });
        return;
      }
      desk.say(changed.enabled ? t("Saved. Vacation reply on") : t("Saved. Vacation reply off"));
      await desk.refresh();
    },
  );
  return card(meant("vacation", "Reply"), box.root);
}

function told(all: readonly VacationAnswer[]): HTMLElement | null {
  if (all.length === 0) return null;
  const rows = table<VacationAnswer>(
    t("Recent replies"),
    [
      { title: t("Sender"), kind: "main", cell: (one) => foreign(one.address) },
      { title: t("Last reply"), cell: (one) => when(one.sent) },
    ],
    all,
  );
  return card(t("Recent replies"), rows, { flush: true });
}

/** The answer as HTML, which a mail program has written. */
function markup(value: string): Field<HTMLTextAreaElement> {
  const area = el("textarea", { rows: 7, maxlength: "20000", spellcheck: "false" });
  area.value = value;
  return field(
    t("HTML version"),
    area,
    t("Most mail apps show this instead of the text. Leave blank to send only the text."),
  );
}

/** A time in µs for a field of the browser's own time zone, to the minute. */
function local(moment: number): string {
  if (moment === 0) return "";
  const at = new Date(moment / 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function instant(text: string): number {
  return text === "" ? 0 : Date.parse(text) * 1000;
}
