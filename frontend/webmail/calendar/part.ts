// The calendar (WEBMAIL-175), a place of its own (WEBMAIL-181): month, week, day and agenda, with the calendars in the side bar.

import type { Calendar, FoundEvents } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { along } from "../../lib/direction";
import { type Child, el, fill, sign } from "../../lib/dom";
import { chevronLeft, chevronRight, ellipsis, plus, triangleAlert, x } from "../../lib/icons";
import { focusedBy } from "../../lib/keyboard";
import { follow } from "../../lib/live";
import { phone } from "../../lib/phone";
import { released } from "../../lib/press";
import { adopt } from "../../lib/sheets";
import { byOwner, many, t } from "../../lib/words";
import type { Navigation, Place, Surroundings, Writing } from "../commands/desk";
import type * as EventPart from "../event/part";
import type * as EventSearchPart from "../eventsearch/part";
import type * as GivingPart from "../giving/part";
import type * as QuickPart from "../quick/part";
import { placeOfEvent } from "../state/address";
import { emptyPlace, listHead, listsButton, searchField, sideButton } from "../ui/placeview";
import { agendaDays, drawAgenda } from "./agenda";
import { Birthdays, shownBox } from "./birthdays";
import type { Board } from "./board";
import sheet from "./calendar.css";
import {
  birthdayCalendar,
  clashText,
  colourOf,
  colourOfEvent,
  dateOf,
  isChangeable,
  longDay,
  monthName,
  monthStart,
  monthsLater,
  nameOf,
  placeIn,
  placeOf,
  type Shown,
  shown,
  today,
  type View,
  weekNumber,
  weekStart,
  when,
} from "./days";
import { listenForDrags } from "./dragging";
import { drawHours } from "./hours";
import { drawMonth } from "./month";
import { drawSmall } from "./small";
import { shownName, signOf } from "./subscribing";

adopt(sheet);

type Page = Pick<Surroundings, "client" | "base" | "load" | "facts"> &
  Pick<Writing, "compose"> &
  Pick<Navigation, "openPlace" | "openSide" | "tellAddress">;

const views: Record<View, string> = { day: t("Day"), week: t("Week"), month: t("Month"), agenda: t("Agenda") };

/** The days by which an arrow key moves in a month; undefined for another key. */
const daysBy = (key: string) => ({ ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 })[along(key)];

/** A button with a sign alone. */
const icon = (name: string, path: string, title: string, run: () => void) =>
  el("button", { class: name, type: "button", title, "aria-label": title, onclick: run }, sign(path));

let opened: CalendarPage | null = null;

/** Open the calendar, at the view and day of the address if it has them (WEBMAIL-63). */
export function openPage(page: Page): void {
  opened ??= new CalendarPage(page);
  opened.follow();
}

class CalendarPage implements Board {
  readonly root = el("div", { class: "cal-view" });
  day = today();
  events: readonly Shown[] = [];
  scrolled: number | undefined;
  private view: View = phone.matches ? "agenda" : "month";
  private calendars: readonly Calendar[] = [];
  private loading: Promise<unknown> | undefined;
  /** Shown events by their buttons. */
  private readonly buttons = new WeakMap<HTMLElement, Shown>();
  private turn = 0;
  /** The event that the address asks for; "" for none. */
  private asked = "";
  /** There are more events than are shown. */
  private crowded = false;
  /** The text of the search; "" for none. */
  private sought = "";
  private found: FoundEvents | null = null;
  private searching: typeof EventSearchPart | undefined;
  /** Loaded if there is a second time zone. */
  private zones: typeof GivingPart | undefined;
  /** Others' changes could not be loaded. */
  private late = false;
  /** The view has been drawn, and had the focus. */
  private drawn = false;
  private readonly heading = el("h1", { "aria-live": "polite" });
  private readonly small = el("div", { class: "cal-small" });
  private readonly list = el("div", { class: "cal-list", role: "group", "aria-label": t("Calendars") });
  private readonly tabs = el("div", { class: "cal-tabs", role: "group", "aria-label": t("View") });
  private readonly state = el("p", { class: "cal-state", role: "status", hidden: true });
  private readonly search = searchField(
    t("Search calendar"),
    (text) => this.seek(text),
    () => this.focusView(),
  );
  private readonly place: Place;
  private readonly birthdays: Birthdays;

  constructor(private readonly page: Page) {
    this.birthdays = new Birthdays(page.client, () => this.load());
    const add = t("New event");
    const title = `${add} (c)`;
    const side = el(
      "div",
      { class: "place-side calendar-page" },
      el(
        "button",
        { class: "primary place-new", type: "button", title, onclick: () => this.add() },
        sign(plus),
        el("span", {}, add),
      ),
      listsButton(t("Calendars")),
      el("div", { class: "side-lists" }, this.small, this.list),
    );
    const view = el(
      "section",
      { class: "place-view calendar-page", "aria-label": t("Calendar") },
      el(
        "header",
        { class: "place-head cal-tools" },
        sideButton(page),
        this.search.root,
        el(
          "button",
          { class: "btn line cal-today", type: "button", title: "t", onclick: () => this.show(this.view, today()) },
          t("Today"),
        ),
        icon("btn icon cal-earlier", chevronLeft, t("Earlier"), () => this.step(-1)),
        icon("btn icon cal-later", chevronRight, t("Later"), () => this.step(1)),
        this.heading,
        this.tabs,
        el(
          "button",
          { class: "btn text cal-back", type: "button", onclick: () => this.endSearch() },
          sign(x, "i s"),
          el("span", {}, t("Back to calendar")),
        ),
      ),
      el(
        "div",
        { class: "cal-main" },
        this.state,
        this.root,
        icon("compose-round", plus, add, () => this.add()),
      ),
    );
    this.place = { name: "calendar", title: t("Calendar"), side, view };
    listenForDrags(this.root, {
      make: (day, last, from, to) => this.add(day, last, from, to, true),
      move: (button, days, minutes, end) => void this.move(button, days, minutes, end),
    });
    const { changed } = follow(
      () => this.fetch(),
      (failed) => {
        this.late = failed;
        this.drawState();
      },
    );
    const here = () => view.isConnected;
    for (const name of ["calendars", "contacts"]) addEventListener(name, () => here() && changed());
    addEventListener("resize", () => here() && this.draw());
    // wherever the focus is: a form that closes may leave it nowhere
    addEventListener("keydown", (event) => {
      if (
        here() &&
        !event.defaultPrevented &&
        document.querySelector("dialog:modal, .menu, .composer:focus-within") === null
      )
        this.key(event);
    });
  }

  /** Show what the address asks for. */
  follow(): void {
    const asked = placeIn(location.hash);
    this.view = asked?.view ?? this.view;
    if (phone.matches && this.view !== "day") this.view = "agenda";
    this.day = asked?.day ?? this.day;
    this.asked = asked?.event ?? "";
    this.sought = asked?.sought ?? "";
    this.search.set(this.sought.startsWith("~") ? "" : this.sought); // its words come with the part that searches
    this.found = null;
    this.drawHead();
    // the place that is there keeps its focus: Back has closed something in it
    this.drawn = this.place.view.isConnected;
    this.page.openPlace(this.place);
    void this.load();
  }

  show(view: View, day: number): void {
    this.view = view;
    this.day = day;
    this.sought = "";
    this.search.set("");
    this.drawHead();
    this.draw();
    void this.load();
  }

  event(one: Shown, kind: string, before: Child[], after: Child[] = []): HTMLButtonElement {
    const { item } = one;
    const place = this.calendars.findIndex(({ id }) => id === item.calendar_id);
    const title = nameOf(item);
    const clash = kind.startsWith("cal-block") ? clashText(one, this.events) : "";
    const classes = [
      "cal-event",
      kind,
      clash !== "" && "clash",
      `c${colourOfEvent(item, this.calendars)}`,
      item.free && "free",
      item.answer === "ask" && "ask",
      (item.answer === "no" || item.cancelled) && "off",
    ];
    const hints = [
      title,
      when(one),
      item.place,
      item.answer === "ask" && t("no reply yet"),
      item.cancelled && t("canceled"),
      clash,
      place !== -1 && shownName(this.calendars[place]!),
    ];
    const made = el(
      "button",
      {
        class: classes.filter(Boolean).join(" "),
        type: "button",
        title: hints.filter(Boolean).join("\n"),
        data: { event: `${item.id} ${item.recurrence}` },
        onclick: () => void this.open(one, made),
      },
      before,
      el("bdi", { class: "cal-title", dir: "auto" }, title),
      after,
      clash !== "" && el("span", { class: "cal-clash", role: "img", "aria-label": clash }, sign(triangleAlert, "i s")),
    );
    this.buttons.set(made, one);
    return made;
  }

  dayButton(day: number, text: string, count: number): HTMLButtonElement {
    const chosen = day === this.day;
    return el(
      "button",
      {
        class: `cal-day${chosen ? " chosen" : ""}`,
        type: "button",
        tabindex: chosen ? "0" : "-1",
        "aria-label": [!/^\d+$/.test(text) && text, longDay(day), many(count, "{n} event", "{n} events")]
          .filter(Boolean)
          .join(", "),
        "aria-current": day === today() ? "date" : null,
        data: { number: String(day) },
        onclick: () => this.show("day", day),
      },
      text,
    );
  }

  nothing(): HTMLElement {
    return emptyPlace({
      title: t("No events"),
      text: t("Events you add on any device will appear here."),
      step: { title: t("New event"), run: () => this.add() },
    });
  }

  /** Whether the view has hours. */
  private get hourly(): boolean {
    return this.view === "day" || this.view === "week";
  }

  /** The first day of the view, and the day after the last. */
  private range(): [number, number] {
    const { day } = this;
    if (this.view === "day") return [day, day + 1];
    if (this.view === "week") return [weekStart(day), weekStart(day) + 7];
    if (this.view === "agenda") return [day, day + agendaDays];
    return [weekStart(monthStart(day)), weekStart(monthStart(day)) + 42];
  }

  /** Search for a text; "" ends the search. */
  private seek(text: string): void {
    if (text === this.sought) return;
    if (text === "") {
      this.show(this.view, this.day);
      return;
    }
    if (this.sought === "") this.found = null;
    this.sought = text;
    this.drawHead();
    void this.load();
  }

  private endSearch(): void {
    this.show(this.view, this.day);
    this.focusView();
  }

  private focusView(): void {
    this.root.querySelector<HTMLElement>(".cal-day.chosen, button")?.focus();
  }

  private async load(): Promise<void> {
    this.loading = attempt(t("Loading…"), t("Couldn't load calendar"), () => this.fetch());
    await this.loading;
  }

  private async fetch(): Promise<void> {
    const own = ++this.turn;
    const { client } = this.page;
    const [calendars] = await Promise.all([client.calendars(), this.birthdays.fetch()]);
    if (calendars.some((one) => one.second_zone)) this.zones ??= await this.page.load<typeof GivingPart>("giving");
    if (this.sought !== "") {
      this.searching ??= await this.page.load<typeof EventSearchPart>("eventsearch");
      const words = this.searching.wordsOfSearch(this.sought); // of an address that was followed
      if (words === "") return this.show(this.view, this.day);
      if (words !== this.sought) {
        this.sought = words;
        this.search.set(words);
      }
      this.page.tellAddress(this.searching.placeOfSearch(words, this.day));
      const result = await client.event_search(
        this.sought,
        calendars.map(({ id }) => id),
      );
      await released(this.root);
      if (own !== this.turn) return;
      this.found = result;
      return this.arrived(calendars);
    }
    const [from, to] = this.range();
    const seconds = (day: number) => +dateOf(day) / 1000;
    const ids = calendars.filter(({ hidden }) => !hidden).map(({ id }) => id);
    const found = await client.events(seconds(from), seconds(to), ids);
    // or dragged
    await released(this.root);
    if (own !== this.turn) return;
    this.events = [...found.events, ...this.birthdays.items(from, to)]
      .map(shown)
      .filter((one) => one.first < to && one.last >= from);
    this.crowded = found.more;
    this.arrived(calendars);
  }

  private arrived(calendars: readonly Calendar[]): void {
    this.calendars = calendars;
    this.late = false;
    this.drawState();
    this.drawList();
    this.draw();
    const { asked } = this;
    this.asked = "";
    const one = this.events.find(({ item }) => placeOfEvent(item.id, item.recurrence) === asked);
    if (one !== undefined) void this.open(one);
  }

  private drawState(): void {
    const words = this.late
      ? t("Couldn't load the latest changes. Trying again…")
      : this.crowded && this.sought === ""
        ? t("Too many events to show. Hide a calendar or choose a shorter period.")
        : "";
    this.state.hidden = words === "";
    this.state.textContent = words;
  }

  private draw(): void {
    const focused = document.activeElement;
    const { event, number } = focused instanceof HTMLElement ? focused.dataset : {};
    if (this.sought !== "" && this.found === null) return; // being loaded
    const within = this.root.contains(focused);
    fill(this.root, this.drawView());
    if (!within && this.drawn) return;
    this.drawn = true;
    const same = this.root.querySelector<HTMLElement>(
      event !== undefined ? `[data-event="${event}"]` : `[data-number="${number ?? ""}"]`,
    );
    (
      same ??
      this.root.querySelector<HTMLElement>(".cal-day.chosen") ??
      this.root.querySelector<HTMLElement>("button")
    )?.focus({ preventScroll: true });
  }

  private drawView(): HTMLElement {
    const { view, found, searching } = this;
    if (this.sought !== "" && found !== null && searching !== undefined) {
      this.heading.textContent = many(found.events.length, "{n} event", "{n} events");
      return searching.drawFound(this, this.sought, found);
    }
    if (view === "month") return drawMonth(this);
    if (view === "agenda") return drawAgenda(this);
    const hours = drawHours(this, this.range()[0], view === "day" ? 1 : 7);
    this.zones?.addZone(hours, this.calendars, this.day);
    return hours;
  }

  private drawHead(): void {
    const searches = this.sought !== "";
    this.place.view.classList.toggle("searching", searches);
    if (!searches && this.asked === "") this.page.tellAddress(placeOf(this.view, this.day));
    const month = monthName(this.day);
    const words = searches ? t("Searching…") : this.view === "day" ? longDay(this.day) : month;
    fill(
      this.heading,
      words,
      !searches &&
        this.view === "week" &&
        el("small", {}, t("Week {n}", { n: String(weekNumber(weekStart(this.day) + 3)) })),
    );
    fill(
      this.tabs,
      Object.entries(views).map(([view, name]) =>
        el(
          "button",
          {
            class: `btn small${/^[mw]/.test(view) ? " wide" : ""}`,
            type: "button",
            "aria-pressed": String(view === this.view),
            onclick: () => this.show(view as View, this.day),
          },
          name,
        ),
      ),
    );
    drawSmall(this.small, this.day, this.hourly ? this.range() : [0, 0], (day) => this.show(this.view, day));
  }

  private drawList(): void {
    const { client } = this.page;
    const again = () => this.load();
    const action = (words: string, run: () => unknown) =>
      el("button", { class: "btn text cal-deleted", type: "button", onclick: run }, words);
    fill(
      this.list,
      listHead(t("Calendars"), t("New calendar"), () => void this.edit(null)),
      [...this.calendars].sort(byOwner).map((one) => {
        // colours follow the order in which calendars were made
        const box = shownBox(colourOf(one, this.calendars.indexOf(one)), !one.hidden, async (shown) => {
          if (one.owner === "") await client.calendar_save({ hidden: !shown }, one.id);
          else await client.calendar_view(one.id, { hidden: !shown });
          await again();
        });
        return el(
          "div",
          { class: "cal-choice" },
          el("label", {}, box, el("bdi", { dir: "auto" }, shownName(one)), signOf(one)),
          icon("btn icon small", ellipsis, t("Edit “{name}”", { name: shownName(one) }), () => void this.edit(one)),
        );
      }),
      this.birthdays.row(),
      !phone.matches &&
        action(t("Second time zone…"), () => this.give((giving) => giving.chooseZone(client, this.calendars, again))),
      action(t("Deleted events…"), () => this.give((giving) => giving.showDeleted(client, "calendar", again))),
    );
  }

  /** Change a calendar, or make one. */
  private async edit(one: Calendar | null): Promise<void> {
    await this.give((giving) => giving.editCalendar(this.page, this.calendars, one, () => this.load()));
  }

  private async give(show: (giving: typeof GivingPart) => Promise<unknown>): Promise<void> {
    await attempt(t("Loading…"), t("Couldn't open this item"), async () =>
      show(await this.page.load<typeof GivingPart>("giving")),
    );
  }

  private step(by: number): void {
    const { view, day } = this;
    if (view === "month") this.show(view, monthsLater(day, by));
    else {
      const [from, to] = this.range();
      this.show(view, day + by * (to - from));
    }
  }

  private async tool(): Promise<EventPart.Events> {
    const { Events } = await this.page.load<typeof EventPart>("event");
    return new Events(this.page, this.calendars, () => this.load());
  }

  private add(day = this.day, last = day, from: number | null = null, to: number | null = null, short = false): void {
    void attempt(t("Loading…"), t("Couldn't open this item"), async () => {
      // another one may begin meanwhile
      for (let last: unknown; last !== this.loading; await last) last = this.loading;
      if (this.calendars.length === 0) return; // the failure was reported
      const begin = from ?? this.nextHour(day);
      const wanted =
        from === null && last !== day
          ? { allDay: true, start: dateOf(day), end: dateOf(last + 1) }
          : { allDay: false, start: dateOf(day, begin), end: dateOf(day, to ?? begin + 60) };
      if (!short) return void (await (await this.tool()).add(wanted));
      const { writeShort } = await this.page.load<typeof QuickPart>("quick");
      const further = await writeShort(this.page.client, this.calendars, wanted, this.root, from !== null, () =>
        this.load(),
      );
      if (further !== null) await (await this.tool()).add(further);
    });
  }

  /** Minutes of a day at which an event may begin. */
  private nextHour(day: number): number {
    return day === today() ? Math.min(22, new Date().getHours() + 1) * 60 : 540;
  }

  private async open(one: Shown, cause?: HTMLElement): Promise<void> {
    await attempt(t("Loading…"), t("Couldn't open event"), async () => {
      const events = await this.tool();
      if (one.item.calendar_id === birthdayCalendar)
        await events.openBirthday(one.item.title, when(one), this.birthdays.addressOf(one.item), cause);
      else await events.open(one.item, when(one), cause, clashText(one, this.events));
    });
  }

  private async move(button: HTMLElement, days: number, minutes: number, end: number): Promise<void> {
    const one = this.buttons.get(button);
    if (one === undefined || (days === 0 && minutes === 0 && end === 0)) return;
    if (!this.isWritable(one)) return this.draw();
    await attempt(t("Moving…"), t("Couldn't move event"), async () =>
      (await this.tool()).move(one.item, days, minutes, end),
    );
  }

  private isWritable({ item }: Shown): boolean {
    return isChangeable(
      item,
      this.calendars.find(({ id }) => id === item.calendar_id),
    );
  }

  private key(event: KeyboardEvent): void {
    const target = focusedBy(event);
    if (event.ctrlKey || event.metaKey || target.closest("input, select, textarea, [contenteditable]") !== null) return;
    const one = this.buttons.get(target);
    const run = event.altKey ? this.moves(event.key, one, target) : this.keys(event.key, one, target);
    if (run === null) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  }

  /** The movement of an event by an arrow with alt: by days, in the hours also by quarters of one. */
  private moves(key: string, one: Shown | undefined, target: HTMLElement): (() => void) | null {
    const by = daysBy(key);
    if (by === undefined || one === undefined || !this.isWritable(one)) return null;
    const quarters = Math.abs(by) === 7 && target.classList.contains("cal-block");
    return () => void this.move(target, quarters ? 0 : by, quarters ? 15 * Math.sign(by) : 0, 0);
  }

  private keys(key: string, one: Shown | undefined, target: HTMLElement): (() => void) | null {
    const around = daysBy(key);
    if (around !== undefined && one !== undefined) return () => this.nextEvent(target, around > 0 ? 1 : -1);
    if (around !== undefined && target.closest(".cal-scroll") === target && Math.abs(around) === 7) return null;
    if (around !== undefined && this.sought !== "") return null;
    if (around !== undefined) return () => this.choose(this.day + (this.view === "month" ? around : Math.sign(around)));
    if ((key === "Delete" || key === "Backspace") && one !== undefined && this.isWritable(one))
      return () =>
        void attempt(t("Deleting…"), t("Couldn't delete event"), async () => (await this.tool()).remove(one.item));
    if (key === "Escape" && this.sought !== "") return () => this.endSearch();
    const letters: Record<string, () => void> = {
      "/": () => this.search.input.focus(),
      t: () => (this.sought === "" ? this.choose(today()) : this.show(this.view, today())),
      n: () => this.add(this.day, this.day, this.hourly ? this.nextHour(this.day) : null, null, true),
      c: () => this.add(),
      d: () => this.show("day", this.day),
      w: () => this.show("week", this.day),
      m: () => this.show("month", this.day),
      a: () => this.show("agenda", this.day),
      PageUp: () => this.step(-1),
      PageDown: () => this.step(1),
    };
    return letters[key] ?? null;
  }

  private choose(day: number): void {
    const [from, to] = this.range();
    this.day = day;
    this.drawHead();
    if (day < from || day >= to || !this.hourly) void this.load();
    this.draw();
    this.root.querySelector<HTMLElement>(".cal-day.chosen")?.focus();
  }

  private nextEvent(target: HTMLElement, by: number): void {
    const all = [...this.root.querySelectorAll<HTMLElement>(".cal-event")];
    const time = (each: HTMLElement) => +(this.buttons.get(each)?.start ?? 0);
    if (this.sought === "") all.sort((a, b) => time(a) - time(b));
    all[all.indexOf(target) + by]?.focus();
  }
}
