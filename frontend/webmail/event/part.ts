// One event (WEBMAIL-175): what it says, its form, and changes with their undo.

import type {
  Calendar,
  ChangedEvent,
  EventForm,
  EventGuest,
  EventItem,
  Event as Found,
  Party,
} from "../../gen/webmail";
import { codeOf } from "../../lib/client";
import { anchorTo } from "../../lib/anchored";
import { attempt, dialog, showError } from "../../lib/dialogs";
import { formatted } from "../../lib/dateformats";
import { type Child, el, fill, isolated } from "../../lib/dom";
import { field, once, tick } from "../../lib/fields";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import type { Keep } from "../../lib/unsaved";
import { byOwner, many, meant, t } from "../../lib/words";
import type { Navigation, Selection, Surroundings, Writing } from "../commands/desk";
import { colourButtons, colourChoice } from "../calendar/colours";
import { placeOfEvent } from "../state/address";
import { colourOf, colours, isChangeable, nameOf, nearest } from "../calendar/days";
import { joinLink } from "../ui/join";
import { formatParty, looksRight } from "../compose/parties";
import type * as RecipientsPart from "../recipients/part";
import type * as RepeatingPart from "../repeating/part";
import type { CustomRule } from "../repeating/part";
import { BusyBars, type Slot } from "./busy";
import sheet from "./event.css";
import { propose } from "./proposing";
import { ending, fromRule, inWords, partsOf, repeats, toRule } from "./rules";
import { addedWords, changedWords, tellChange, undoSeconds } from "./saved";
import { local, localIn, moved, momentOf, ownZone, withDate } from "./times";

adopt(sheet);

type Page = Pick<Surroundings, "client" | "facts" | "load"> &
  Pick<Writing, "compose"> &
  Pick<Navigation, "tellAddress">;
type Scope = "this" | "following" | "all";
type Chosen = "edit" | "remove" | "mail" | "propose" | "yes" | "maybe" | "no" | "close";

export interface Wanted {
  readonly allDay: boolean;
  readonly start: Date;
  readonly end: Date;
  readonly title?: string;
  readonly notes?: string;
  readonly guests?: readonly Party[];
  readonly calendar?: number;
  readonly rule?: string;
  /** Whether its words were typed, in the short form. */
  readonly typed?: boolean;
}

/** Minutes before an event at which alarms are offered. */
const alarms = [0, 5, 10, 15, 30, 60, 120, 1440, 10_080];

export class Events {
  constructor(
    private readonly page: Page,
    private readonly calendars: readonly Calendar[],
    /** Draws the view anew. */
    private readonly again: () => Promise<void>,
  ) {}

  /** Show the form of a new event. */
  async add(wanted: Wanted): Promise<void> {
    const form: EventForm = {
      title: wanted.title ?? "",
      place: "",
      notes: wanted.notes ?? "",
      all_day: wanted.allDay,
      start: local(wanted.start, wanted.allDay),
      end: local(wanted.end, wanted.allDay),
      zone: wanted.allDay ? "" : ownZone(),
      rule: wanted.rule ?? "",
      alarms: [],
      mails: [],
      free: false,
      guests: [...(wanted.guests ?? [])],
    };
    const calendars = this.calendars.filter(({ writable }) => writable);
    const own = calendars.filter(({ owner }) => owner === "");
    const home = wanted.calendar ?? (own.find(({ hidden }) => !hidden) ?? own[0] ?? calendars[0])!.id;
    let change: ChangedEvent | undefined;
    const save = async (event: EventForm, calendarID: number) => {
      change = await this.page.client.event_save(calendarID, event, 0, 0, "", "all", undoSeconds);
    };
    if (!(await this.form(t("New event"), form, home, null, save, wanted.typed))) return;
    await this.again();
    this.tell(addedWords(change!), change!);
  }

  /** Show an event at its `cause`, with what can be done with it; `clash` tells what overlaps with it. */
  async open(item: EventItem, when: string, cause?: HTMLElement, clash = ""): Promise<void> {
    const found = await this.page.client.event(item.id, item.recurrence);
    const { form } = found;
    const people = [...(found.organizer === null ? [] : [found.organizer]), ...found.guests];
    const title = nameOf({ ...item, title: form.title });
    const calendar = this.calendars.find(({ id }) => id === found.calendar_id);
    const writable = isChangeable(item, calendar);
    const answer = dialog<Chosen | { colour: string }>(title, (close) => {
      const button = (words: string, what: Chosen, kind = "btn line") =>
        el("button", { class: kind, type: "button", onclick: () => close(what), autofocus: what === "edit" }, words);
      const fact = (label: string, text: Child) =>
        text !== "" && text !== false && [el("dt", {}, label), el("dd", {}, text)];
      const parts = [
        el("p", { class: "event-when" }, [when, elsewhere(form)].filter(Boolean).join(" · ")),
        joinLink(found.join, true),
        clash !== "" && el("p", { class: "event-clash" }, clash),
        el(
          "dl",
          { class: "event-facts" },
          fact(t("Repeats"), found.repeats && inWords(form.rule)),
          form.place !== "" && fact(t("Location"), el("bdi", { dir: "auto" }, isolated(form.place))),
          fact(t("Calendar"), calendar !== undefined && named(calendar)),
          fact(t("Alerts"), form.alarms.map(before).join(", ")),
          fact(t("Email alerts"), (form.mails ?? []).map(before).join(", ")),
          form.notes !== "" && fact(t("Notes"), el("bdi", { class: "event-notes", dir: "auto" }, isolated(form.notes))),
          people.length > 0 && fact(t("Guests"), [answered(found), guestList(people, found.organizer)]),
        ),
        writable &&
          colourButtons(chosenColour(form.colour), this.inherited(found.calendar_id), (colour) => close({ colour })),
        writable &&
          found.answer !== "" &&
          el(
            "div",
            { class: "event-answer", role: "group", "aria-label": t("Are you coming?") },
            el("span", {}, t("Are you coming?")),
            (["yes", "maybe", "no"] as const).map((answer) =>
              el(
                "button",
                {
                  class: "btn",
                  type: "button",
                  "aria-pressed": String(found.answer === answer),
                  onclick: () => close(answer),
                },
                { yes: t("Yes"), maybe: t("Maybe"), no: t("No") }[answer],
              ),
            ),
            (form.rule === "" || found.recurrence !== "") &&
              !item.cancelled &&
              button(t("Propose new time…"), "propose"),
          ),
        el(
          "div",
          { class: "dialog-buttons event-buttons" },
          writable && button(t("Delete"), "remove", "btn line danger"),
          people.length > 0 && button(t("Email all guests"), "mail"),
          button(t("Close"), "close", "btn"),
          writable && button(t("Edit"), "edit", "btn primary"),
        ),
      ];
      return parts.filter((one) => one !== false);
    });
    if (cause?.isConnected === true) anchorTo(cause, true);
    const view = /^#calendar:.*?,\d{8}/.exec(location.hash)?.[0];
    if (view !== undefined) this.page.tellAddress(view + placeOfEvent(item.id, item.recurrence), title);
    const chosen = await answer;
    if (view !== undefined && location.hash.startsWith(view)) this.page.tellAddress(view);
    if (typeof chosen === "object" && chosen !== null) await this.paint(found, chosen.colour);
    else if (chosen === "edit") await this.edit(found);
    else if (chosen === "remove") await this.remove(item, found);
    else if (chosen === "mail") this.mail(found);
    else if (chosen === "propose") await this.propose(found);
    else if (chosen !== null && chosen !== "close") {
      await attempt(t("Sending…"), t("Couldn't send reply"), async () => {
        const change = await this.page.client.event_answer(found.id, chosen, found.recurrence, undoSeconds);
        this.tell(
          { yes: t("You accepted."), maybe: t("You replied “maybe”."), no: t("You declined.") }[chosen],
          change,
        );
      });
      await this.again();
    }
  }

  private tell(words: string, change: ChangedEvent): void {
    tellChange(this.page.client, words, change, this.again);
  }

  /** Give an event a color; "" for that of its calendar. */
  private async paint(found: Found, colour: string): Promise<void> {
    if (colour === chosenColour(found.form.colour)) return;
    await attempt(t("Saving…"), t("Couldn't save event"), async () => {
      const scope = await this.scope(
        found,
        t("Change “{title}”?", { title: isolated(found.form.title) }),
        t("Change"),
        false,
        false,
      );
      if (scope === null) return;
      const change = await this.save(found, { ...found.form, colour }, found.calendar_id, scope);
      await this.again();
      this.tell(changedWords(change), change);
    });
  }

  /** The number of the color that a calendar gives its events. */
  private inherited(calendarID: number): number {
    const at = this.calendars.findIndex(({ id }) => id === calendarID);
    return at === -1 ? 5 : colourOf(this.calendars[at]!, at);
  }

  /** Show a birthday at its `cause`; "" for a person without an address. */
  async openBirthday(title: string, when: string, address: string, cause?: HTMLElement): Promise<void> {
    const answer = dialog<"write" | "close">(title, (close) => [
      el("p", { class: "event-when" }, when),
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { class: "btn", type: "button", onclick: () => close("close") }, t("Close")),
        address !== "" &&
          el("button", { class: "btn primary", type: "button", onclick: () => close("write") }, t("Write message")),
      ),
    ]);
    if (cause?.isConnected === true) anchorTo(cause, true);
    if ((await answer) === "write") this.page.compose("new", `mailto:${encodeURIComponent(address)}`);
  }

  /** Move an event by days and minutes, or its end by minutes. */
  async move(item: EventItem, days: number, minutes: number, end: number): Promise<void> {
    const found = await this.page.client.event(item.id, item.recurrence);
    const { form } = found;
    const event = {
      ...form,
      start: moved(form.start, days, minutes),
      end: moved(form.end, days, minutes + end),
    };
    const scope = await this.scope(found, t("Move “{title}”?", { title: isolated(form.title) }), t("Move"), false);
    if (scope === null || event.end < event.start) return this.again();
    const change = await this.save(found, event, found.calendar_id, scope);
    await this.again();
    this.tell(found.recurrence !== "" && scope !== "this" ? t("Events moved") : t("Event moved"), change);
  }

  /** Delete an event, of a series one or more. */
  async remove(item: EventItem, known?: Found): Promise<void> {
    const found = known ?? (await this.page.client.event(item.id, item.recurrence));
    const title = isolated(found.form.title || t("(no title)"));
    const scope = await this.scope(found, t("Delete “{title}”?", { title }), t("Delete"), true);
    if (scope === null) return;
    await attempt(t("Deleting…"), t("Couldn't delete event"), async () => {
      const { client } = this.page;
      const change = await client.event_remove(found.id, found.changed, found.recurrence, scope, undoSeconds);
      await this.again();
      this.tell(t("“{title}” deleted", { title }), change);
    });
  }

  private async edit(found: Found): Promise<void> {
    let change: ChangedEvent | undefined;
    const done = await this.form(t("Edit event"), found.form, found.calendar_id, found, async (event, calendarID) => {
      const scope = await this.scope(
        found,
        t("Change “{title}”?", { title: isolated(found.form.title) }),
        t("Change"),
        false,
        isToldOf(found.form, event),
      );
      if (scope === null) return false;
      change = await this.save(found, event, calendarID, scope);
      return true;
    });
    if (!done) return;
    await this.again();
    this.tell(changedWords(change!), change!);
  }

  private save(found: Found, event: EventForm, calendarID: number, scope: Scope): Promise<ChangedEvent> {
    const { id, changed, recurrence } = found;
    return this.page.client.event_save(calendarID, event, id, changed, recurrence, scope, undoSeconds);
  }

  /** Propose another time to the organiser. */
  private async propose({ id, form, recurrence }: Found): Promise<void> {
    const shown = (time: string) => {
      const moment = form.zone === "" ? null : momentOf(time, form.zone);
      return moment === null ? time : local(moment, false);
    };
    const times = form.all_day
      ? { whole: true, start: form.start, end: withDate(form.end, -1) }
      : { whole: false, start: shown(form.start), end: shown(form.end) };
    const sent = await propose(times, (start, end, submitID, note) =>
      this.page.client.event_propose(id, start, end, submitID, recurrence, note),
    );
    if (!sent) return;
    toast(t("New time proposed"));
    await this.again();
  }

  /** Write to all guests. */
  private mail(found: Found): void {
    const own = this.page.facts().addresses.map((one) => one.toLowerCase());
    const people = [...found.guests, ...(found.organizer === null ? [] : [found.organizer])];
    const others = people.filter(({ address }) => !own.includes(address.toLowerCase()));
    const to = others.map(formatParty);
    this.page.compose(
      "new",
      `mailto:?to=${encodeURIComponent(to.join(", "))}&subject=${encodeURIComponent(found.form.title)}`,
    );
  }

  /**
   * Which events of a series are meant; "all" for an event that does not repeat, null if the user gives up. `told`:
   * guests hear of the change.
   */
  private async scope(
    found: Found,
    title: string,
    action: string,
    removes: boolean,
    told = true,
  ): Promise<Scope | null> {
    if (found.recurrence === "") return "all";
    const chosen = await dialog<Scope | "none">(title, (close) => {
      const choices: readonly [Scope, string][] = [
        ["this", t("Only this event")],
        ["following", t("This and following events")],
        ["all", t("All events")],
      ];
      const boxes = choices.map(([value]) =>
        el("input", { type: "radio", name: "scope", value, autofocus: value === "this" }),
      );
      boxes[0]!.checked = true;
      const submitted = (event: Event) => {
        event.preventDefault();
        close(boxes.find(({ checked }) => checked)!.value as Scope);
      };
      const guests = told && found.own && found.guests.length > 0;
      return [
        el(
          "form",
          { onsubmit: submitted },
          guests &&
            el(
              "p",
              { class: "dialog-text" },
              many(found.guests.length, "{n} guest will be notified.", "{n} guests will be notified."),
            ),
          el(
            "div",
            { class: "event-scopes", role: "radiogroup" },
            choices.map(([, words], at) => el("label", {}, boxes[at]!, words)),
          ),
          el(
            "div",
            { class: "dialog-buttons" },
            el("button", { class: "btn", type: "button", onclick: () => close("none") }, t("Cancel")),
            el("button", { class: removes ? "btn line danger" : "btn primary", type: "submit" }, action),
          ),
        ),
      ];
    });
    return chosen === "none" ? null : chosen;
  }

  /** Show a form; resolves to whether `save` took it. */
  private async form(
    heading: string,
    old: EventForm,
    calendarID: number,
    found: Found | null,
    save: (event: EventForm, calendarID: number) => Promise<unknown>,
    typed = false,
  ): Promise<boolean> {
    const own = found?.own ?? true;
    /** An event stays in the calendars of its owner. */
    const owned = this.calendars.find(({ id }) => id === calendarID)?.owner ?? "";
    const text = (value: string) =>
      el("input", { class: "dialog-input", value, maxlength: "1000", dir: "auto", disabled: !own });
    const input = (type: string, value: string, label: string) =>
      el("input", { class: "dialog-input", type, value, "aria-label": label, required: true, disabled: !own });
    const select = (options: readonly (readonly [string, string])[], value: string, disabled = !own) => {
      const made = el(
        "select",
        { class: "dialog-input", disabled },
        options.map(([key, words]) => el("option", { value: key }, words)),
      );
      made.value = value;
      return made;
    };
    const title = field(t("Title"), text(old.title));
    title.control.autofocus = true;
    const allDay = tick(t("All day"), old.all_day);
    allDay.control.disabled = !own;
    const [startDay, startTime = "09:00"] = old.start.split("T") as [string, string?];
    const [rawEnd, endTime = "10:00"] = old.end.split("T") as [string, string?];
    const days = {
      start: input("date", startDay, t("Starts on")),
      end: input("date", old.all_day ? withDate(rawEnd, -1) : rawEnd, t("Ends on")),
    };
    const times = { start: input("time", startTime, t("Starts at")), end: input("time", endTime, t("Ends at")) };
    const zones = [...new Set([old.zone || ownZone(), ownZone(), "UTC", ...Intl.supportedValuesOf("timeZone")])];
    const zone = field(
      t("Time zone"),
      select(
        zones.map((one) => [one, one.replaceAll("_", " ")]),
        old.zone || ownZone(),
      ),
    );
    zone.root.hidden = old.zone === "" || old.zone === ownZone();
    const showZone = el(
      "button",
      { class: "btn text", type: "button", onclick: () => (zone.root.hidden = false) },
      t("Other time zone…"),
    );
    const repeat = field(
      t("Repeat"),
      select(repeats(old.rule, startDay), old.rule === "" ? "" : fromRule(old.rule).kind),
    );
    const until = input("date", fromRule(old.rule).until, t("Until"));
    until.required = false;
    const untilField = field(t("Repeats until"), until, t("Leave blank to repeat forever."));
    const custom = el("div", { hidden: true });
    let rule: CustomRule | null = null;
    const choose = async () => {
      custom.hidden = repeat.control.value !== "custom";
      if (custom.hidden || rule !== null) return;
      const { customRule } = await this.page.load<typeof RepeatingPart>("repeating");
      rule = customRule(fromRule(old.rule).kind === "custom" ? partsOf(old.rule.toUpperCase()) : {}, days.start);
      fill(custom, rule.root);
    };
    repeat.control.addEventListener("change", () => void attempt(t("Loading…"), t("Couldn't open this item"), choose));
    await choose();
    const place = field(t("Location"), text(old.place));
    const link = field(meant("event", "Link"), text(old.link ?? ""));
    Object.assign(link.control, { type: "url", maxLength: 2000, placeholder: "https://", dir: "ltr" });
    const { Recipients } = await this.page.load<typeof RecipientsPart>("recipients");
    const guests = new Recipients("guests", t("Guests"), this.page.client, () => showBusy(), null);
    guests.root.inert = !own;
    guests.value = old.guests;
    guests.root.dataset["kept"] = "";
    guests.root.addEventListener("keep", (event) => {
      const { detail } = event as Keep<Party[]>;
      if (detail.value === undefined) detail.value = guests.value;
      else guests.value = detail.value;
    });
    const notes = field(
      t("Notes"),
      el("textarea", {
        class: "dialog-input",
        rows: "3",
        dir: "auto",
        maxlength: "20000",
        value: old.notes,
        disabled: !own,
      }),
    );
    const mails = old.mails ?? [];
    const alarm = (value: number | undefined) =>
      select(
        [
          ["", meant("alert", "none")] as const,
          ...[...new Set([...alarms, ...old.alarms, ...mails])]
            .sort((a, b) => a - b)
            .map((one) => [String(one), before(one)] as const),
        ],
        value === undefined ? "" : String(value),
        false,
      );
    const alarmBoxes = [...old.alarms, undefined].slice(0, 5).map(alarm);
    for (const [at, one] of alarmBoxes.entries()) one.setAttribute("aria-label", t("Alert {n}", { n: at + 1 }));
    // one is enough; further ones of other programs stay
    const mailBox = field(t("Email alert"), alarm(mails[0]));
    const busy = field(
      t("Show as"),
      select(
        [
          ["", t("busy")],
          ["free", t("free")],
        ],
        old.free ? "free" : "",
        false,
      ),
    );
    const calendar = field(
      t("Calendar"),
      select(
        this.calendars
          .filter(({ writable, owner }) => writable && (found === null || owner === owned))
          .sort(byOwner)
          .map((one) => [String(one.id), named(one)]),
        String(calendarID),
        !own,
      ),
    );
    const first = chosenColour(old.colour);
    const colour = colourChoice(first, this.inherited(calendarID));
    const adapt = () => {
      const whole = allDay.control.checked;
      for (const one of [times.start, times.end]) one.hidden = whole;
      showZone.hidden = whole || !zone.root.hidden || !own;
      if (whole) zone.root.hidden = true;
      untilField.root.hidden = ["", "other"].includes(repeat.control.value);
    };
    allDay.control.addEventListener("change", adapt);
    repeat.control.addEventListener("change", adapt);
    showZone.addEventListener("click", adapt);
    const moment = (end: "start" | "end") => Date.parse(`${days[end].value}T${times[end].value}Z`);
    let begun = moment("start");
    /** The end follows the start: the event stays as long as it is. The choices to repeat it name its weekday. */
    const follow = () => {
      const [start, end] = [moment("start"), moment("end")];
      if (Number.isNaN(start)) return;
      if (!Number.isNaN(end + begun))
        [days.end.value, times.end.value] = new Date(end + start - begun).toISOString().slice(0, 16).split("T") as [
          string,
          string,
        ];
      begun = start;
      for (const [at, [, words]] of repeats(old.rule, days.start.value).entries())
        fill(repeat.control.options[at]!, words);
    };
    for (const one of [days.start, times.start]) one.addEventListener("change", follow);
    const slot = (): Slot | null => {
      if (allDay.control.checked) {
        const [start, last] = [momentOf(`${days.start.value}T00:00`, ""), momentOf(`${days.end.value}T00:00`, "")];
        if (start === null || last === null) return null;
        return { start, end: new Date(last.getFullYear(), last.getMonth(), last.getDate() + 1), whole: true };
      }
      const at = (end: "start" | "end") =>
        momentOf(`${days[end].value}T${times[end].value}`, zone.root.hidden ? "" : zone.control.value);
      const [start, end] = [at("start"), at("end")];
      return start === null || end === null || end <= start ? null : { start, end, whole: false };
    };
    const bars = new BusyBars(this.page.client, found?.id ?? 0, (start, end) => {
      for (const [which, date] of [
        ["start", start],
        ["end", end],
      ] as const)
        [days[which].value, times[which].value] = localIn(date, zone.root.hidden ? "" : zone.control.value).split(
          "T",
        ) as [string, string];
      begun = moment("start");
      showBusy();
    });
    const showBusy = () => {
      const mine = this.page.facts().addresses.map((one) => one.toLowerCase());
      const people = guests.entered.map(({ address }) => address.toLowerCase()).filter(looksRight);
      bars.show(own ? [...new Set(people.filter((one) => !mine.includes(one)))] : [], slot());
    };
    const notified = el("p", { class: "hint" });
    const showNotified = () => {
      const invites = this.calendars.find(({ id }) => String(id) === calendar.control.value)?.invites ?? true;
      fill(
        notified,
        invites
          ? whoIsNotified(old, isOver())
          : t("To invite guests, you need permission to send from this calendar's address."),
      );
    };
    /** Whether the event ended more than a day ago: then the server notifies no guest. */
    const isOver = (): boolean => {
      const last = repeat.control.value === "" ? days.end.value : until.value;
      const end = momentOf(`${last || "9999-12-31"}T${times.end.value || "23:59"}`, "");
      return end !== null && Date.now() - end.getTime() > 86_400_000;
    };
    const showGuests = () => {
      showBusy();
      showNotified();
    };
    const asked = [allDay, zone, repeat, calendar, { control: until }, { control: days.start }, { control: days.end }];
    for (const { control } of asked) control.addEventListener("change", showGuests);
    for (const one of [times.start, times.end]) one.addEventListener("change", showGuests);
    adapt();
    showGuests();
    const ruled = (kind: string): string => {
      if (kind === "custom") return rule === null ? old.rule : ending(rule.read(), until.value);
      const same = kind === fromRule(old.rule).kind && until.value === fromRule(old.rule).until;
      return kind === "other" || same ? old.rule : toRule(kind, until.value, days.start.value);
    };
    const read = (): EventForm | null => {
      const whole = allDay.control.checked;
      const wrong = guests.wrong();
      if (wrong !== undefined) {
        guests.complain(t("“{address}” isn't a complete email address.", { address: isolated(wrong.address) }));
        return null;
      }
      const start = whole ? days.start.value : `${days.start.value}T${times.start.value}`;
      const end = whole ? withDate(days.end.value, 1) : `${days.end.value}T${times.end.value}`;
      if (end < start || (whole && end === start)) {
        untilProblem(t("The end must be after the start."));
        return null;
      }
      const kind = repeat.control.value;
      return {
        title: title.control.value.trim(),
        place: place.control.value.trim(),
        link: link.control.value.trim(),
        notes: notes.control.value,
        all_day: whole,
        start,
        end,
        zone: whole ? "" : old.zone === "" && !old.all_day && zone.root.hidden ? "" : zone.control.value,
        rule: ruled(kind),
        alarms: [...new Set(alarmBoxes.filter(({ value }) => value !== "").map(({ value }) => Number(value)))],
        mails: [
          ...new Set([...(mailBox.control.value === "" ? [] : [Number(mailBox.control.value)]), ...mails.slice(1)]),
        ],
        free: busy.control.value === "free",
        guests: guests.value,
        colour: colour.read() === first ? old.colour : colour.read(),
      };
    };
    const problem = el("p", { class: "error", role: "alert", hidden: true });
    const untilProblem = (words: string) => {
      problem.hidden = false;
      fill(problem, words);
    };
    const done = await dialog<boolean>(heading, (close) => {
      const submitted = async () => {
        if (!(await guests.arrived())) return;
        const form = read();
        if (form === null) return;
        try {
          if ((await save(form, Number(calendar.control.value))) !== false) close(true);
        } catch (error) {
          if (codeOf(error) === "user:conflict")
            untilProblem(
              t("This event was changed in another window or app. Close this form and open the event again."),
            );
          else await showError(t("Couldn't save event"), error);
        }
      };
      return [
        el(
          "form",
          { class: "event-form", data: typed ? { begun: "" } : {}, onsubmit: once(submitted) },
          !own &&
            el(
              "p",
              { class: "hint" },
              t("The organizer manages this event. You can change your alerts, color, and free/busy status."),
            ),
          title.root,
          allDay.root,
          el(
            "div",
            { class: "event-times" },
            el("div", { class: "field" }, el("span", {}, t("Starts on")), el("div", {}, days.start, times.start)),
            el("div", { class: "field" }, el("span", {}, t("Ends on")), el("div", {}, days.end, times.end)),
          ),
          showZone,
          zone.root,
          el("div", { class: "event-times" }, repeat.root, untilField.root),
          custom,
          el("div", { class: "event-pair" }, place.root, link.root),
          guests.root,
          own && notified,
          bars.root,
          notes.root,
          el(
            "div",
            { class: "event-pair" },
            el("div", { class: "field" }, el("span", {}, t("Alerts")), alarmBoxes),
            mailBox.root,
          ),
          el("div", { class: "event-pair" }, busy.root, calendar.root),
          el("div", { class: "field" }, el("span", {}, t("Color")), colour.root),
          problem,
          el(
            "div",
            { class: "dialog-buttons" },
            el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")),
            el("button", { class: "btn primary", type: "submit" }, t("Save")),
          ),
        ),
      ];
    });
    return done === true;
  }
}

/** Make an event of the message that is read: its subject, its text and the people in it. */
export async function eventOf(page: Page & Pick<Selection, "reading" | "shown">): Promise<void> {
  const item = page.reading() ?? page.shown();
  if (item === null) return;
  await attempt(t("Loading…"), t("Couldn't open this item"), async () => {
    const [calendars, parsed] = await Promise.all([page.client.calendars(), page.client.parsed_message(item.id)]);
    const start = new Date();
    start.setHours(start.getHours() + 1, 0, 0, 0);
    const own = page.facts().addresses.map((one) => one.toLowerCase());
    const people = [...item.from, ...item.to, ...item.cc].map(({ name, user, host }) => ({
      name,
      address: `${user}@${host}`,
    }));
    const others = people.filter(({ address }) => !own.includes(address.toLowerCase()));
    const events = new Events(page, calendars, async () => undefined);
    await events.add({
      allDay: false,
      start,
      end: new Date(start.getTime() + 3_600_000),
      title: item.subject,
      notes: parsed.texts[0]?.text.trim().slice(0, 5000) ?? "",
      guests: [...new Map(others.map((one) => [one.address.toLowerCase(), one])).values()],
    });
  });
}

/** The color of the page that is next to an event's own; "" for that of its calendar. */
function chosenColour(colour = ""): string {
  const near = nearest(colour);
  return near === undefined ? "" : colours[near - 1]!;
}

/** Whether guests hear of a change: not of what is each reader's own. */
function isToldOf(before: EventForm, after: EventForm): boolean {
  const shown = (form: EventForm) => JSON.stringify({ ...form, alarms: [], mails: [], free: false, colour: "" });
  return shown(before) !== shown(after);
}

/** Who hears of what is saved: `over` is an event that has ended. */
function whoIsNotified({ guests }: EventForm, over: boolean): string {
  if (over) return t("This event is over, so guests won't be notified.");
  if (guests.length === 0) return t("Guests will get an invitation.");
  return t("New guests will get an invitation. Other guests will get an update if anything changes for them.");
}

/** How many guests have answered the user's own invitation. */
function answered({ own, guests }: Found): Child {
  if (!own || guests.length === 0) return null;
  const n = guests.filter(({ answer }) => answer !== "").length;
  return el("p", { class: "event-answered" }, t("{n} of {total} replied", { n, total: guests.length }));
}

function guestList(people: readonly EventGuest[], organizer: EventGuest | null): HTMLElement {
  const said: Record<string, string> = { yes: t("yes"), no: t("no"), maybe: t("maybe"), "": t("no reply yet") };
  const rows = people.map((one) =>
    el(
      "li",
      {},
      el("bdi", { dir: "auto" }, isolated(one.name || one.address)),
      el(
        "span",
        { class: one.undelivered === true ? "error" : "" },
        one === organizer ? t("organizer") : one.undelivered === true ? t("couldn't be notified") : said[one.answer],
      ),
    ),
  );
  return el("ul", { class: "event-guests" }, rows);
}

/** The name of a calendar, and who shares it. */
const named = (one: Calendar): string =>
  one.owner === "" ? isolated(one.name) : `${isolated(one.name)} (${isolated(one.owner)})`;

/** The start in the event's own time zone, if the reader's clock shows another time; "" for UTC. */
function elsewhere({ all_day, start, zone }: EventForm): string {
  if (all_day || zone === "" || /^(Etc\/)?(UTC|GMT|UCT|Zulu)$/.test(zone)) return "";
  const moment = momentOf(start, zone);
  if (moment === null || localIn(moment, "") === start) return "";
  const time = formatted(new Date(`${start}Z`), "clock elsewhere", { timeStyle: "short", timeZone: "UTC" });
  return t("{time} in {zone}", { time, zone: zone.replace(/^.*\//, "").replaceAll("_", " ") });
}

/** How long before an event an alarm comes. */
function before(minutes: number): string {
  if (minutes === 0) return t("at start time");
  if (minutes % 10_080 === 0) return many(minutes / 10_080, "{n} week before", "{n} weeks before");
  if (minutes % 1440 === 0) return many(minutes / 1440, "{n} day before", "{n} days before");
  if (minutes % 60 === 0) return many(minutes / 60, "{n} hour before", "{n} hours before");
  return many(minutes, "{n} minute before", "{n} minutes before");
}
