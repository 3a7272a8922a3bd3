// News about events in a panel at the band above the list (WEBMAIL-129b): invitations are answered one after the other, beside one's own
// day. An answer can be taken back while the server holds it.

import type { Calendar, ChangedEvent, Client, EventNews } from "../../gen/webmail";
import { anchorTo } from "../../lib/anchored";
import { withKey } from "../../lib/commands";
import { attempt, dialog } from "../../lib/dialogs";
import { hue, initials } from "../../lib/disc";
import { type Child, el, fill, isolated, sign } from "../../lib/dom";
import { circleCheck, triangleAlert, x } from "../../lib/icons";
import { adopt } from "../../lib/sheets";
import { many, meant, t } from "../../lib/words";
import { clock, overlapText, placeOf, type Shown, shown, when } from "../calendar/days";
import { undoSeconds } from "../event/saved";
import { titleOf } from "../eventnews/title";
import { about, drawDay, outline, overlaps } from "../invitation/day";
import sheet from "./answering.css";

adopt(sheet);

type Answer = "yes" | "maybe" | "no";

const answers: readonly (readonly [answer: Answer, button: string, given: string])[] = [
  ["yes", t("Yes"), meant("answer", "Going")],
  ["maybe", t("Maybe"), t("Maybe")],
  ["no", t("No"), t("Not going")],
];

/** Days from the first time of a series on in which the reader's own times are compared with it. */
const ahead = 90;

/** Milliseconds of a day. */
const dayLength = 86_400_000;

export interface Panel {
  /** Show what is new; what is no longer among the news was answered elsewhere. */
  update(news: readonly EventNews[]): void;
  readonly closed: Promise<unknown>;
}

/** Open the panel below its button. `ask` looks for news again. */
export function openNews(
  client: Client,
  news: readonly EventNews[],
  button: HTMLElement,
  ask: () => Promise<void>,
): Panel {
  const open = new Answering(client, ask);
  open.update(news);
  const closed = dialog<void>(titleOf(news), (end) => open.build(end));
  anchorTo(button, false);
  open.begin();
  return { update: (found) => open.update(found), closed: closed.then(() => open.end()) };
}

class Answering {
  readonly rows = el("ul", { class: "answering-rows" });
  readonly day = el("section", { class: "answering-day", "aria-label": t("Your day") });
  private readonly count = el("p", { class: "answering-count", role: "status" });
  private readonly known = new Map<number, Row>();
  private calendars: Promise<readonly Calendar[]> | undefined;
  private close = () => {};
  private chosen: Row | undefined;

  constructor(
    readonly client: Client,
    readonly ask: () => Promise<void>,
  ) {}

  build(end: () => void): Node[] {
    this.close = end;
    const key = (name: string, words: string) => el("span", {}, el("kbd", {}, name), " ", words);
    const last = el(
      "div",
      { class: "answering-foot" },
      key("y", t("Yes")),
      key("m", t("Maybe")),
      key("n", t("No")),
      key("u", t("Undo")),
      key("j k", t("Next, previous")),
      el("button", { class: "btn text", type: "button", onclick: () => end() }, t("Answer later")),
    );
    const words = t("Close");
    const leave = el(
      "button",
      { class: "btn icon answering-close", type: "button", title: words, "aria-label": words, onclick: () => end() },
      sign(x),
    );
    const box = el(
      "div",
      { class: "answering", onkeydown: (event: KeyboardEvent) => this.key(event) },
      this.rows,
      this.day,
    );
    box.addEventListener("focusin", ({ target }) => {
      const at = this.list().find(({ root }) => root.contains(target as Node));
      if (at !== undefined) this.choose(at);
    });
    return [this.count, leave, box, last];
  }

  begin(): void {
    this.list()[0]?.focus();
  }

  end(): void {
    for (const row of this.known.values()) row.end();
  }

  update(news: readonly EventNews[]): void {
    const here = new Set(news.map(({ event_id }) => event_id));
    const at = this.list().findIndex(({ root }) => root.contains(document.activeElement));
    for (const [id, row] of this.known)
      if (!here.has(id) && row.answer === undefined) {
        row.root.remove();
        this.known.delete(id);
      }
    for (const one of news) {
      const row = this.known.get(one.event_id);
      if (row !== undefined) row.show(one);
      else {
        const made = new Row(this, one);
        this.known.set(one.event_id, made);
        this.rows.append(made.root);
      }
    }
    const list = this.list();
    // the next one is in the place of what was dismissed
    if (at >= 0 && !this.rows.contains(document.activeElement)) (list[at] ?? list.at(-1))?.focus();
    const answered = list.filter(({ answer }) => answer !== undefined).length;
    fill(this.count, answered > 0 && many(answered, "{n} answered", "{n} answered"));
    if (list.length === 0) this.close();
  }

  /** Whether nothing is left to be answered, nor to be taken back. */
  settled(): void {
    if (this.list().every(({ done }) => done)) this.close();
  }

  /** Go on with the first one after a row that has no answer, or before it. */
  next(after: Row): void {
    const list = this.list();
    const at = list.indexOf(after);
    ([...list.slice(at + 1), ...list.slice(0, at)].find(({ answer }) => answer === undefined) ?? after).focus();
  }

  async own(): Promise<readonly Calendar[]> {
    this.calendars ??= this.client.calendars();
    return this.calendars;
  }

  /** Draw the day of the chosen row. */
  async drawn(row: Row): Promise<void> {
    if (row !== this.chosen || row.asked === undefined) return;
    drawDay(this.day, row.asked, undefined, row.others, await this.own());
  }

  private choose(row: Row): void {
    if (row === this.chosen) return;
    this.chosen = row;
    for (const one of this.list()) one.root.classList.toggle("chosen", one === row);
    fill(this.day);
    void this.drawn(row);
  }

  private list(): Row[] {
    return [...this.known.values()];
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const list = this.list();
    const at = Math.max(
      0,
      list.findIndex(({ root }) => root.contains(document.activeElement)),
    );
    const to = { j: at + 1, k: at - 1, ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1 }[event.key];
    const press = to === undefined ? list[at]?.press(event.key) : list[to]?.focus();
    if (press === false) return;
    event.preventDefault();
  }
}

class Row {
  readonly root = el("li", { class: "answering-row" });
  /** The invitation, and what else the reader has on its days, once they are known. */
  asked: Shown | undefined;
  others: readonly Shown[] = [];
  answer: Answer | undefined;
  private readonly time = el("p", {});
  private readonly facts = el("p", { class: "answering-facts" });
  private readonly state = el("p", { class: "answering-state" });
  private readonly buttons = el("div", { class: "answering-buttons" });
  private link: HTMLElement | undefined;
  private change: ChangedEvent | undefined;
  private timer = 0;

  constructor(
    private readonly panel: Answering,
    private news: EventNews,
  ) {
    this.show(news);
    if (news.said === "invited") void this.compare().catch(() => undefined); // without it, it is whole
  }

  /** Whether the reader has nothing to do here any more. */
  get done(): boolean {
    return this.answer !== undefined && this.change === undefined;
  }

  show(news: EventNews): void {
    const known = this.link !== undefined && JSON.stringify(news) === JSON.stringify(this.news);
    this.news = news;
    if (this.answer !== undefined || known) return;
    const { said, who, title } = news;
    const first = outlined(news);
    this.link = el(
      "a",
      {
        dir: "auto",
        href: first === undefined ? "#calendar" : placeOf("day", first.first),
        onclick: () => this.leave(),
      },
      title === "" ? t("(no title)") : isolated(title),
    );
    this.root.classList.toggle("canceled", said === "canceled");
    this.root.classList.toggle("changed", said !== "invited");
    fill(this.time, first === undefined ? t("Time not set") : timeText(first, news.repeats));
    this.tellFacts(0);
    fill(
      this.root,
      el("span", { class: `disc c${hue(who.toLowerCase())}`, "aria-hidden": "true" }, initials(who)),
      el("div", { class: "answering-text" }, el("h3", {}, this.link), this.time, this.facts, this.state),
      this.buttons,
    );
    this.offer();
  }

  focus(): void {
    this.link?.focus();
    this.root.scrollIntoView({ block: "nearest" });
  }

  /** Do what a key stands for; false for none. */
  press(key: string): boolean {
    const name = { y: "yes", m: "maybe", n: "no", u: "undo" }[key] ?? "";
    const button = this.buttons.querySelector<HTMLElement>(`[data-answer="${name}"]`);
    button?.click();
    return button !== null;
  }

  end(): void {
    clearTimeout(this.timer);
    if (this.change !== undefined) void this.forget().catch(() => undefined);
  }

  private leave(): void {
    this.root.closest("dialog")?.dispatchEvent(new Event("cancel", { cancelable: true }));
  }

  private tellFacts(guests: number): void {
    const { said, place, who } = this.news;
    const facts = [
      said === "invited" ? isolated(who) : what(this.news),
      isolated(place),
      guests > 1 && many(guests, "{n} guest", "{n} guests"),
    ];
    fill(this.facts, facts.filter(Boolean).join(" · "));
  }

  /** The buttons of a row that waits. */
  private offer(): void {
    const invited = this.news.said === "invited";
    const dismiss = () => this.act(t("Couldn't save event"), () => this.forget());
    const words = t("Dismiss");
    fill(
      this.buttons,
      invited &&
        answers.map(([answer, title]) =>
          el(
            "button",
            {
              class: "btn line",
              type: "button",
              data: { answer },
              title: withKey(title, answer.slice(0, 1)),
              onclick: () => this.give(answer),
            },
            title,
          ),
        ),
      invited
        ? el(
            "button",
            { class: "btn icon", type: "button", title: words, "aria-label": words, onclick: dismiss },
            sign(x),
          )
        : el("button", { class: "btn text", type: "button", onclick: dismiss }, words),
    );
  }

  private async give(answer: Answer): Promise<void> {
    await this.act(t("Couldn't send reply"), async () => {
      this.change = await this.panel.client.event_answer(this.news.event_id, answer, "", undoSeconds);
      this.answer = answer;
      this.tell();
      this.panel.next(this);
      this.timer = window.setTimeout(() => this.settle(), undoSeconds * 1000);
    });
  }

  /** Say the answer, with Undo while the server holds it. */
  private tell(): void {
    const [, , given] = answers.find(([name]) => name === this.answer)!;
    const words = t("Undo");
    this.root.classList.toggle("answered", this.answer !== undefined);
    fill(
      this.buttons,
      el("span", { class: `answering-given ${this.answer}` }, sign(circleCheck, "i s"), given),
      this.change !== undefined &&
        el(
          "button",
          {
            class: "btn text",
            type: "button",
            data: { answer: "undo" },
            title: withKey(words, "u"),
            onclick: () => this.takeBack(),
          },
          words,
        ),
    );
  }

  private async takeBack(): Promise<void> {
    const { change } = this;
    if (change === undefined) return;
    clearTimeout(this.timer);
    this.change = undefined;
    await this.act(t("Couldn't undo"), async () => {
      await this.panel.client.event_undo(change.undo);
      this.answer = undefined;
      this.root.classList.remove("answered");
      this.offer();
      this.focus();
    });
    if (this.answer !== undefined) this.tell();
  }

  /** The answer leaves: there is no Undo any more. */
  private settle(): void {
    const held = this.buttons.contains(document.activeElement);
    this.change = undefined;
    this.tell();
    if (held) this.focus();
    void this.forget().catch(() => undefined);
    this.panel.settled();
  }

  private async forget(): Promise<void> {
    await this.panel.client.event_news_seen(this.news.event_id);
  }

  private async act(failed: string, run: () => Promise<unknown>): Promise<void> {
    await attempt(t("Saving…"), failed, async () => {
      await run();
      await this.panel.ask();
    });
  }

  /** Compare the invitation with the reader's own calendars: all of it that is within some months, if it repeats. */
  private async compare(): Promise<void> {
    const first = outlined(this.news);
    if (first === undefined) return;
    const until = this.news.repeats ? new Date(first.start.getTime() + ahead * dayLength) : first.end;
    const calendars = await this.panel.own();
    const { asked, others } = await about(this.panel.client, calendars, this.news.event_id, first.start, until);
    const times = asked.length === 0 ? [first] : asked;
    this.asked = times[0]!;
    this.others = others;
    if (this.answer === undefined) {
      fill(this.time, timeText(this.asked, this.news.repeats));
      this.tellFacts(this.asked.item.guests);
    }
    const clash = times.flatMap((time) => others.filter((one) => overlaps(one, time)))[0];
    const words =
      clash !== undefined
        ? overlapText(clash)
        : times.length > 1
          ? many(times.length, "You're free on this day.", "You're free on the first {n} days.")
          : t("You're free at this time.");
    this.state.classList.toggle("clash", clash !== undefined);
    const icon = clash === undefined ? circleCheck : triangleAlert;
    fill(this.state, !this.asked.bar && [sign(icon, "i s"), el("span", { title: words }, words)]);
    await this.panel.drawn(this);
  }
}

/** The time that the news name, an hour long: its end is in the calendar. */
function outlined({ title, at }: EventNews): Shown | undefined {
  if (at === null) return undefined;
  const length = at.clock === "date" ? 86_400 : 3600;
  return shown({ ...outline(title, at.starts, at.starts + length).item, clock: at.clock });
}

function timeText(one: Shown, repeats: boolean): string {
  // without its end, which only the calendar knows
  const text = one.item.id === 0 && !one.bar ? when(one).replace(` – ${clock(one.end)}`, "") : when(one);
  return repeats ? `${text} · ${t("Repeats")}` : text;
}

/** What happened, in one sentence. */
function what({ said, who, before, answer }: EventNews): Child & string {
  const name = isolated(who);
  if (said === "canceled") return t("{name} canceled this event", { name });
  if (said === "moved" && before !== null) {
    const was = shown({ ...outline("", before.starts, before.starts).item, clock: before.clock });
    return t("{name} moved this event from {time}", { name, time: timeText(was, false) });
  }
  if (said !== "answered") return t("{name} changed this event", { name });
  if (answer === "yes") return t("{name} is going", { name });
  if (answer === "maybe") return t("{name} replied “maybe”", { name });
  return answer === "no" ? t("{name} isn't going", { name }) : t("{name} replied", { name });
}
