// When the guests of an event are busy (WEBMAIL-178): a bar of the day for each, and the next time that suits all.

import type { BusyPerson, BusyTime } from "../../gen/webmail";
import { el, fill, isolated } from "../../lib/dom";
import { formatted } from "../../lib/dateformats";
import { many, t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";

/** Days from the event's on of which the busy times are asked. */
const ahead = 15;
const hour = 3_600_000;

/** The time of the form, on the clock of this browser. */
export interface Slot {
  readonly start: Date;
  readonly end: Date;
  readonly whole: boolean;
}

interface Period {
  readonly start: Date;
  readonly end: Date;
  readonly time: BusyTime;
}

interface Person {
  readonly words: string;
  readonly known: boolean;
  readonly periods: readonly Period[];
}

const clock = (date: Date): string => formatted(date, "busy clock", { hour: "numeric", minute: "2-digit" });
const overlaps = (one: Period, start: Date, end: Date): boolean => one.start < end && one.end > start;

function midnight(date: Date, days = 0): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);
}

/** A moment as this browser's clock has it; whole days are the same days everywhere. */
function moment(seconds: number, whole: boolean): Date {
  const date = new Date(seconds * 1000);
  return whole ? new Date(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) : date;
}

export class BusyBars {
  readonly root = el("section", { class: "event-busy", hidden: true, "aria-label": t("Guest availability") });
  private readonly day = el("strong");
  private readonly rows = el("ul");
  private readonly words = el("p", { role: "status" });
  private readonly next: HTMLButtonElement;
  private people: readonly string[] = [];
  private slot: Slot | null = null;
  private persons: readonly Person[] = [];
  /** What was asked last, by which a late answer is known. */
  private asked = "";
  private waiting = 0;

  constructor(
    private readonly client: Surroundings["client"],
    private readonly eventID: number,
    /** Takes a time that suits all. */
    private readonly choose: (start: Date, end: Date) => void,
  ) {
    this.next = el(
      "button",
      { class: "btn line small", type: "button", onclick: () => this.goOn() },
      t("Next free time"),
    );
    this.root.append(el("div", { class: "event-busy-head" }, this.day, this.next), this.rows, this.words);
  }

  /** Show people, addresses in lower case, around the time of the form; nothing without people or a time. */
  show(people: readonly string[], slot: Slot | null): void {
    this.people = people;
    this.slot = slot;
    clearTimeout(this.waiting);
    if (people.length === 0 || slot === null) {
      this.root.hidden = true;
      return;
    }
    const wanted = `${midnight(slot.start).getTime()} ${people.join(" ")}`;
    if (wanted === this.asked) this.draw();
    // it takes its room in a moment: a press on Save, by which the field is left, must find the button where it is
    else this.waiting = setTimeout(() => void this.ask(wanted), 250);
  }

  private async ask(wanted: string): Promise<void> {
    const { slot, people } = this;
    if (slot === null) return;
    this.asked = wanted;
    this.root.hidden = false;
    const seconds = (days: number) => Math.floor(midnight(slot.start, days).getTime() / 1000);
    try {
      const found = await this.client.busy_times(people.slice(0, 50), seconds(0), seconds(ahead), this.eventID);
      if (this.asked !== wanted) return;
      this.persons = found.map((one, at) => person(one, at === 0));
      this.draw();
    } catch {
      if (this.asked !== wanted) return;
      this.asked = "";
      this.persons = [];
      fill(this.rows);
      this.next.hidden = true;
      fill(this.words, t("Couldn't check guest availability. The server didn't respond."));
    }
  }

  private draw(): void {
    const { slot, persons } = this;
    if (slot === null) return;
    this.root.hidden = false;
    const first = midnight(slot.start);
    const end = midnight(slot.start, 1);
    const of = (date: Date, otherwise: number) => (date < end ? date.getHours() + date.getMinutes() / 60 : otherwise);
    const from = slot.whole ? 7 : Math.min(7, Math.floor(of(slot.start, 0)));
    const to = slot.whole ? 20 : Math.min(24, Math.max(20, Math.ceil(of(slot.end, 24))));
    const place = (date: Date) => {
      const hours = date <= first ? 0 : date >= end ? 24 : of(date, 24);
      return (100 * (Math.min(to, Math.max(from, hours)) - from)) / (to - from);
    };
    const between = (start: Date, last: Date, kind: string, title = "") => {
      const made = el("i", { class: kind, title });
      made.style.insetInlineStart = `${place(start)}%`;
      made.style.width = `${Math.max(0, place(last) - place(start))}%`;
      return made;
    };
    fill(this.day, formatted(first, "busy day", { weekday: "long", day: "numeric", month: "long" }));
    fill(
      this.rows,
      persons.map((one) => {
        const today = one.periods.filter((each) => overlaps(each, first, end));
        const taken = one.periods.some((each) => overlaps(each, slot.start, slot.end));
        const state = !one.known ? t("unknown") : taken ? t("busy") : t("free");
        return el(
          "li",
          { class: !one.known ? "unknown" : taken ? "taken" : "" },
          el("bdi", { dir: "auto" }, one.words),
          el("b", {}, state),
          el(
            "span",
            { class: "event-bar", "aria-hidden": "true" },
            !slot.whole && between(slot.start, slot.end, "slot"),
            today.map((each) => between(each.start, each.end, each.time.tentative ? "maybe" : "", inWords(each))),
          ),
          el("span", { class: "event-times-read" }, today.map(inWords).join(", ")),
        );
      }),
      el(
        "li",
        { class: "event-ticks", "aria-hidden": "true" },
        el(
          "span",
          {},
          [9, 12, 15, 18].map((at) => {
            const date = new Date(first.getFullYear(), first.getMonth(), first.getDate(), at);
            const made = el("small", {}, formatted(date, "busy hour", { hour: "numeric" }));
            made.style.insetInlineStart = `${place(date)}%`;
            return made;
          }),
        ),
      ),
    );
    const taken = persons.filter((one) => one.periods.some((each) => overlaps(each, slot.start, slot.end))).length;
    const unknown = persons.filter(({ known }) => !known).length;
    fill(
      this.words,
      [
        taken > 0
          ? many(taken, "{n} person is busy at this time.", "{n} people are busy at this time.")
          : unknown < persons.length && t("All guests with visible calendars are free."),
        unknown > 0 &&
          many(
            unknown,
            "{n} guest's availability isn't shared with you.",
            "{n} guests' availability isn't shared with you.",
          ),
      ]
        .filter(Boolean)
        .join(" "),
    );
    this.next.hidden = slot.whole;
  }

  /** Take the next time at which all are free: by day, Monday to Friday, unless the event is at another time. */
  private goOn(): void {
    const { slot } = this;
    if (slot === null) return;
    const length = slot.end.getTime() - slot.start.getTime();
    const last = midnight(slot.start, ahead).getTime() - length;
    const usual = (date: Date, until: Date) =>
      date.getHours() >= 8 && until <= new Date(midnight(date).getTime() + 18 * hour) && date.getDay() % 6 !== 0;
    const anyTime = !usual(slot.start, slot.end);
    const busy = this.persons.flatMap(({ periods }) => periods);
    const step = hour / 2;
    for (let at = (Math.floor(slot.start.getTime() / step) + 1) * step; at <= last; at += step) {
      const start = new Date(at);
      const end = new Date(at + length);
      if ((anyTime || usual(start, end)) && !busy.some((one) => overlaps(one, start, end))) {
        this.choose(start, end);
        return;
      }
    }
    fill(this.words, t("No time in the next 2 weeks works for everyone."));
  }
}

function person(one: BusyPerson, own: boolean): Person {
  return {
    words: own ? t("You") : isolated(one.name || one.address),
    known: one.known,
    periods: one.times.map((time) => ({
      start: moment(time.starts, time.whole_days),
      end: moment(time.ends, time.whole_days),
      time,
    })),
  };
}

/** A busy time in words: "10:00 – 11:00 Plan". */
function inWords({ start, end, time }: Period): string {
  const when = time.whole_days ? t("all day") : `${clock(start)} – ${clock(end)}`;
  const words = time.tentative ? t("{when} (tentative)", { when }) : when;
  return time.title === "" ? words : `${words} ${isolated(time.title)}`;
}
