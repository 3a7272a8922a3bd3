// The short form of an event (WEBMAIL-175): title, time, repetition and calendar, at the place where it was begun.

import type { Calendar, Client } from "../../gen/webmail";
import { anchorTo } from "../../lib/anchored";
import { attempt, dialog } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { choice, field, once } from "../../lib/fields";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { byOwner, t } from "../../lib/words";
import { dayOf, longDay } from "../calendar/days";
import { shownName } from "../calendar/subscribing";
import { repeats, toRule } from "../event/rules";
import { local, momentOf, ownZone } from "../event/times";
import sheet from "./quick.css";

adopt(sheet);

export interface Begun {
  readonly allDay: boolean;
  readonly start: Date;
  readonly end: Date;
  readonly title?: string;
  readonly calendar?: number;
  readonly rule?: string;
}

/** Ask for an event at its `cause`; resolves to "saved", to what is entered so far for the whole form, or to null. */
export async function writeShort(
  client: Client,
  calendars: readonly Calendar[],
  begun: Begun,
  cause: HTMLElement,
): Promise<"saved" | Begun | null> {
  const { allDay, start, end } = begun;
  const writable = calendars.filter((one) => one.writable);
  const own = writable.filter(({ owner }) => owner === "");
  const first = own.find(({ hidden }) => !hidden) ?? own[0] ?? writable[0]!;
  const last = new Date(end.getTime() - 1);
  const days = [...new Set([dayOf(start), dayOf(last)])].map(longDay).join(" – ");
  const answer = dialog<"saved" | Begun>(t("New event"), (close) => {
    const title = field(
      t("Title"),
      el("input", { class: "dialog-input", maxlength: "1000", dir: "auto", autofocus: true, value: begun.title ?? "" }),
    );
    const time = (date: Date, label: string) =>
      el("input", {
        class: "dialog-input",
        type: "time",
        value: local(date, false).slice(11),
        "aria-label": label,
        required: true,
      });
    const times = [time(start, t("Starts at")), time(end, t("Ends at"))] as const;
    const calendar = choice(
      t("Calendar"),
      [...writable].sort(byOwner).map((one) => [String(one.id), shownName(one)] as const),
      String(first.id),
    );
    calendar.control.className = "dialog-input";
    const day = local(start, true);
    const repeat = choice(
      t("Repeat"),
      repeats("", day).filter(([kind]) => kind !== "custom"),
      "",
    );
    repeat.control.className = "dialog-input";
    /** The times that are entered; an end before the start is on the next day. */
    const read = (): Begun => {
      const from = (!allDay && momentOf(`${day}T${times[0].value}`, "")) || start;
      let to = (!allDay && momentOf(`${day}T${times[1].value}`, "")) || end;
      if (to < from) to = new Date(to.getFullYear(), to.getMonth(), to.getDate() + 1, to.getHours(), to.getMinutes());
      return {
        allDay,
        start: from,
        end: to,
        title: title.control.value.trim(),
        calendar: Number(calendar.control.value),
        rule: toRule(repeat.control.value, "", day),
      };
    };
    const save = async () => {
      const event = read();
      const saved = await attempt(t("Saving…"), t("Couldn't save event"), () =>
        client.event_save(event.calendar!, {
          title: event.title!,
          place: "",
          notes: "",
          all_day: allDay,
          start: local(event.start, allDay),
          end: local(event.end, allDay),
          zone: allDay ? "" : ownZone(),
          rule: event.rule!,
          alarms: [],
          mails: [],
          free: false,
          guests: [],
        }),
      );
      if (saved) {
        close("saved");
        toast(t("Event added"));
      }
    };
    return [
      el(
        "form",
        { class: "event-short", onsubmit: once(save) },
        title.root,
        el("p", { class: "event-short-time" }, el("span", {}, days), !allDay && [times[0], "–", times[1]]),
        repeat.root,
        calendar.root,
        el(
          "div",
          { class: "dialog-buttons" },
          el("button", { class: "btn text", type: "button", onclick: () => close(read()) }, t("More…")),
          el("button", { class: "btn primary", type: "submit" }, t("Save")),
        ),
      ),
    ];
  });
  if (cause.isConnected) anchorTo(cause, true);
  return answer;
}
