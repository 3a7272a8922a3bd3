// The short form of an event (WEBMAIL-175): title, time, repetition and calendar, at the place where it was begun. A time in the title
// is taken from there (WEBMAIL-175f).

import type { Calendar, Client } from "../../gen/webmail";
import { anchorTo } from "../../lib/anchored";
import { formatted } from "../../lib/dateformats";
import { attempt, dialog } from "../../lib/dialogs";
import { el, fill, isolated, sign } from "../../lib/dom";
import { choice, field, once } from "../../lib/fields";
import { clock as clockIcon, x } from "../../lib/icons";
import { adopt } from "../../lib/sheets";
import { byOwner, t } from "../../lib/words";
import { clock, dayOf, longDay, shortDay } from "../calendar/days";
import { hour } from "../calendar/hours";
import { shownName } from "../calendar/subscribing";
import { repeats, toRule } from "../event/rules";
import { addedWords, tellChange } from "../event/saved";
import { local, momentOf, ownZone } from "../event/times";
import sheet from "./quick.css";
import { type Times, type TitleTime, timeIn } from "./titletime";

adopt(sheet);

export interface Begun extends Times {
  readonly title?: string;
  readonly calendar?: number;
  readonly rule?: string;
  /** Whether a title was typed. */
  readonly typed?: boolean;
}

/** Ask for an event where it is in a view: at its hours if `timed`, else at its day. Resolves to what is entered so far for the
 * whole form, or to null. `again` draws the view anew when an event was added. */
export async function writeShort(
  client: Client,
  calendars: readonly Calendar[],
  begun: Begun,
  root: HTMLElement,
  timed: boolean,
  again: () => Promise<unknown>,
): Promise<Begun | null> {
  const writable = calendars.filter((one) => one.writable);
  const own = writable.filter(({ owner }) => owner === "");
  const first = own.find(({ hidden }) => !hidden) ?? own[0] ?? writable[0]!;
  const cause = mark(begun, timed);
  const place = () => {
    if (!cause.isConnected) root.querySelector(placeOf(begun, timed))?.append(cause);
  };
  place();
  if (timed) cause.scrollIntoView({ block: "nearest" });
  // News of other changes draw the view anew.
  const drawn = new MutationObserver(place);
  drawn.observe(root, { childList: true, subtree: true });
  const answer = dialog<Begun | null>(t("New event"), (close) => {
    const title = titleField(begun, () => draw());
    const times = timesField(begun);
    const calendar = choice(
      t("Calendar"),
      [...writable].sort(byOwner).map((one) => [String(one.id), shownName(one)] as const),
      String(first.id),
    );
    calendar.control.className = "dialog-input";
    const repeat = choice(t("Repeat"), [], "");
    repeat.control.className = "dialog-input";
    const dayIn = ({ start }: Times) => local(start, true);
    let said = "";
    const draw = () => {
      const meant = title.meant();
      // what the words say, and what was chosen where they say nothing any more
      if ((meant?.repeat ?? "") !== said) {
        said = meant?.repeat ?? "";
        if (![...repeat.control.options].some(({ value }) => value === said))
          repeat.control.append(new Option(said, said));
        repeat.control.value = said;
      }
      // the time is said once
      times.root.hidden = meant !== null;
      cause.style.visibility = meant === null ? "" : "hidden";
      const chosen = repeat.control.value;
      fill(
        repeat.control,
        repeats("", dayIn(meant ?? begun))
          .filter(([kind]) => kind !== "custom")
          .map(([value, words]) => el("option", { value, selected: value === chosen }, words)),
      );
    };
    draw();
    const read = (): Required<Begun> => {
      const meant = title.meant();
      const { allDay, start, end } = meant ?? times.read();
      const words = meant?.title ?? title.control.value.trim();
      return {
        allDay,
        start,
        end,
        title: words,
        typed: words !== "",
        calendar: Number(calendar.control.value),
        rule: toRule(repeat.control.value, "", dayIn({ allDay, start, end })),
      };
    };
    const save = async () => {
      const event = read();
      const form = {
        title: event.title,
        place: "",
        notes: "",
        all_day: event.allDay,
        start: local(event.start, event.allDay),
        end: local(event.end, event.allDay),
        zone: event.allDay ? "" : ownZone(),
        rule: event.rule,
        alarms: [],
        mails: [],
        free: false,
        guests: [],
      };
      await attempt(t("Saving…"), t("Couldn't save event"), async () => {
        const change = await client.event_save(event.calendar, form);
        close(null);
        await again();
        tellChange(client, addedWords(change), change, again);
      });
    };
    return [
      el(
        "form",
        { class: "event-short", onsubmit: once(save) },
        title.root,
        times.root,
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
  return answer.finally(() => {
    drawn.disconnect();
    cause.remove();
  });
}

/** The title, and below it the time that it names, which Escape or a button leaves in the title. `changed` is called after it did. */
function titleField(begun: Begun, changed: () => void) {
  const title = field(
    t("Title"),
    el("input", {
      class: "dialog-input",
      maxlength: "1000",
      dir: "auto",
      autofocus: true,
      autocomplete: "off",
      placeholder: t("Dentist Tue 9:30"),
      value: begun.title ?? "",
    }),
  );
  let meant: TitleTime | null = null;
  let left = "";
  const said = el("p", { role: "status" });
  const leave = () => {
    left = meant?.words ?? "";
    title.control.focus();
    draw();
  };
  const words = t("Don't use this time");
  const line = el(
    "div",
    { class: "event-short-meant" },
    sign(clockIcon),
    said,
    el(
      "button",
      { class: "btn icon small", type: "button", title: words, "aria-label": words, onclick: leave },
      sign(x),
    ),
  );
  const draw = () => {
    const found = timeIn(title.control.value, begun, new Date());
    meant = found?.words === left ? null : found;
    line.classList.toggle("shown", meant !== null);
    fill(
      said,
      meant !== null && [
        el("bdi", {}, isolated(meant.title)),
        " ",
        el("b", {}, inWords(meant)),
        " ",
        meant.repeat !== "" && el("bdi", {}, ruleOf(meant)),
        " ",
        el("span", {}, t("Press Enter or Save to use this time")),
      ],
    );
    changed();
  };
  title.control.addEventListener("input", draw);
  title.root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || meant === null) return;
    event.preventDefault();
    leave();
  });
  title.root.append(line);
  return { root: title.root, control: title.control, meant: () => meant };
}

/** Day and hours of an event. */
function timesField({ allDay, start, end }: Begun) {
  const time = (date: Date, label: string) =>
    el("input", {
      class: "dialog-input",
      type: "time",
      value: local(date, false).slice(11),
      "aria-label": label,
      required: true,
    });
  const [begin, finish] = [time(start, t("Starts at")), time(end, t("Ends at"))];
  const at = (input: HTMLInputElement) => momentOf(`${local(start, true)}T${input.value}`, "");
  let length = end.getTime() - start.getTime();
  begin.addEventListener("input", () => {
    const from = at(begin);
    if (from !== null) finish.value = local(new Date(from.getTime() + length), false).slice(11);
  });
  /** The times that are entered; an end before the start is on the next day. */
  const read = (): Times => {
    const from = (!allDay && at(begin)) || start;
    let to = (!allDay && at(finish)) || end;
    if (to < from) to = new Date(to.getFullYear(), to.getMonth(), to.getDate() + 1, to.getHours(), to.getMinutes());
    return { allDay, start: from, end: to };
  };
  finish.addEventListener("input", () => {
    const { start: from, end: to } = read();
    length = to.getTime() - from.getTime();
  });
  const days = [...new Set([dayOf(start), dayOf(new Date(end.getTime() - 1))])].map(longDay).join(" – ");
  const root = el("p", { class: "event-short-time" }, el("span", {}, days), !allDay && [begin, "–", finish]);
  return { root, read };
}

/** When an event is, with the year if it is another one. */
function inWords({ allDay, start, end }: Times): string {
  const [first, last] = [dayOf(start), dayOf(new Date(end.getTime() - 1))];
  const day =
    start.getFullYear() === new Date().getFullYear()
      ? shortDay(first)
      : formatted(start, "event year", { weekday: "short", day: "numeric", month: "short", year: "numeric" });
  if (allDay) return `${day}, ${t("all day")}`;
  return `${day}, ${clock(start)} – ${first === last ? "" : `${shortDay(last)}, `}${clock(end)}`;
}

/** How an event repeats, in the words of the choice. */
const ruleOf = ({ start, repeat }: TitleTime): string =>
  repeats("", local(start, true)).find(([kind]) => kind === repeat)![1];

/** Mark the room of an event that is written. */
function mark({ start, end }: Times, timed: boolean): HTMLElement {
  const made = el("div", { class: "cal-mark", "aria-hidden": "true" });
  const minutes = start.getHours() * 60 + start.getMinutes();
  Object.assign(made.style, {
    top: timed ? `${(minutes * hour) / 60}px` : "0",
    height: timed ? `${((end.getTime() - start.getTime()) / 3_600_000) * hour}px` : "100%",
  });
  return made;
}

const placeOf = ({ start }: Times, timed: boolean): string =>
  `${timed ? ".cal-column" : ""}[data-day="${dayOf(start)}"]`;
