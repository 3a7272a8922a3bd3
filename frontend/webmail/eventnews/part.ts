// News about events (WEBMAIL-129b): invitations without an answer, and what other people changed, in the band above the Inbox,
// whose button shows them as cards, and as a count at Calendar. They are asked for at the start, and when the calendar changes.

import type { Client, EventNews, EventTime } from "../../gen/webmail";
import { withKey } from "../../lib/commands";
import { formatted } from "../../lib/dateformats";
import { attempt, dialog } from "../../lib/dialogs";
import { type Child, el, fill, isolated, sign } from "../../lib/dom";
import { calendar } from "../../lib/icons";
import { follow } from "../../lib/live";
import { released } from "../../lib/press";
import { adopt } from "../../lib/sheets";
import { many, t } from "../../lib/words";
import sheet from "./eventnews.css";

adopt(sheet);

/** Show in the band above the list that there is news, and its number at the button that opens the calendar. */
export function showEventNews(client: Client, band: HTMLElement): void {
  const button = document.querySelector<HTMLElement>(".open-calendar")!;
  const said = el("span", { class: "event-news-said" });
  const box = el(
    "button",
    { class: "event-news", type: "button", "aria-haspopup": "dialog", hidden: true, onclick: () => void open() },
    sign(calendar, "i s"),
    said,
    el("b", { class: "event-news-go" }, t("Show")),
  );
  const count = el("span", { class: "event-news-count", hidden: true });
  const label = button.getAttribute("aria-label") ?? "";
  const cards = el("div", { class: "event-news-cards" });
  let title = "";
  let close = () => {};
  const draw = (news: readonly EventNews[]) => {
    const invitations = news.filter((one) => one.said === "invited");
    const shown = invitations.length > 0 ? invitations : news;
    const n = shown.length;
    const who = [...new Set(shown.map((one) => one.who))].map((name) => isolated(name)).join(", ");
    title =
      invitations.length > 0
        ? many(n, "{n} new invitation", "{n} new invitations")
        : many(n, "{n} change in your calendar", "{n} changes in your calendar");
    fill(said, el("b", {}, title), " ", who);
    box.hidden = count.hidden = news.length === 0;
    fill(count, t("{n}", { n: news.length }));
    const added = news.length === 0 ? "" : ` ${many(news.length, "{n} new", "{n} new")}`;
    button.setAttribute("aria-label", label + added);
    const held = [...cards.children].findIndex((one) => one.contains(document.activeElement));
    fill(
      cards,
      news.map((one) => card(one)),
    );
    // the next one is in the place of what was answered
    if (held >= 0) cards.children[Math.min(held, news.length - 1)]?.querySelector("a")?.focus();
    if (news.length === 0) close();
  };
  /** Answers by key, for the card with the focus, or the first one. */
  const keys: Readonly<Record<string, string>> = { y: "yes", m: "maybe", n: "no" };
  cards.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const all = [...cards.children] as HTMLElement[];
    const at = Math.max(
      0,
      all.findIndex((one) => one.contains(document.activeElement)),
    );
    const to = { j: at + 1, k: at - 1, ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    const given = keys[event.key];
    const next =
      given !== undefined
        ? all[at]?.querySelector<HTMLElement>(`[data-answer=${given}]`)
        : to === undefined
          ? undefined
          : all[to]?.querySelector<HTMLElement>("a");
    if (next == null) return;
    event.preventDefault();
    next.focus();
    if (given !== undefined) next.click();
  });
  const open = () =>
    dialog<void>(title, (end) => {
      close = end;
      return [
        cards,
        el(
          "div",
          { class: "dialog-buttons" },
          el("button", { class: "btn", type: "button", onclick: () => end() }, t("Close")),
        ),
      ];
    });
  const ask = async () => {
    const found = await client.event_news();
    await released(cards);
    draw(found);
  };
  const act = async (failed: string, run: () => Promise<unknown>) => {
    await attempt(t("Saving…"), failed, async () => {
      await run();
      await ask();
    });
  };

  function card(news: EventNews): HTMLElement {
    const seen = () => client.event_news_seen(news.event_id);
    const answer = async (given: "yes" | "maybe" | "no") => {
      await client.event_answer(news.event_id, given);
      await seen();
    };
    const choice = (given: "yes" | "maybe" | "no", words: string) =>
      el(
        "button",
        {
          class: `btn ${given === "yes" ? "soft" : "line"}`,
          type: "button",
          data: { answer: given },
          title: withKey(words, given.slice(0, 1)),
          onclick: () => void act(t("Couldn't send reply"), () => answer(given)),
        },
        words,
      );
    const title = news.title === "" ? t("(no title)") : isolated(news.title);
    const facts = [timeText(news.at, news.repeats), isolated(news.place)].filter((text) => text !== "");
    return el(
      "article",
      { class: `event-news-card ${news.said}` },
      el(
        "div",
        { class: "event-news-text" },
        el("p", {}, what(news)),
        el("a", { href: place(news.at), onclick: () => close() }, el("strong", {}, el("bdi", { dir: "auto" }, title))),
        el("p", { class: "event-news-facts" }, facts.join(" · ")),
      ),
      el(
        "div",
        { class: "event-news-buttons" },
        news.said === "invited" ? [choice("yes", t("Yes")), choice("maybe", t("Maybe")), choice("no", t("No"))] : [],
        el(
          "button",
          { class: "btn text", type: "button", onclick: () => void act(t("Couldn't save event"), seen) },
          news.said === "invited" ? t("Later") : t("Dismiss"),
        ),
      ),
    );
  }

  // without a connection the page says so elsewhere
  const live = follow(ask, () => undefined);
  addEventListener("calendars", () => live.changed());
  button.append(" ", count);
  band.append(box);
  live.changed();
}

/** What happened, in one sentence. */
function what({ said, who, before, answer }: EventNews): Child {
  const name = isolated(who);
  if (said === "invited") return t("{name} invited you", { name });
  if (said === "canceled") return t("{name} canceled this event", { name });
  if (said === "moved" && before !== null)
    return t("{name} moved this event from {time}", { name, time: timeText(before) });
  if (said !== "answered") return t("{name} changed this event", { name });
  if (answer === "yes") return t("{name} is going", { name });
  if (answer === "maybe") return t("{name} replied “maybe”", { name });
  return answer === "no" ? t("{name} isn't going", { name }) : t("{name} replied", { name });
}

/** A time here, or as the clock of each place shows it. */
function dateOf({ starts, clock }: EventTime): Date {
  const date = new Date(starts * 1000);
  return clock === "utc" ? date : new Date(starts * 1000 + date.getTimezoneOffset() * 60_000);
}

function timeText(at: EventTime | null, repeats = false): string {
  if (at === null) return "";
  const options: Intl.DateTimeFormatOptions = { weekday: "short", day: "numeric", month: "short" };
  const text =
    at.clock === "date"
      ? formatted(dateOf(at), "news day", options)
      : formatted(dateOf(at), "news time", { ...options, hour: "numeric", minute: "2-digit" });
  return repeats ? `${text} · ${t("Repeats")}` : text;
}

/** The address of the event's day in the calendar. */
function place(at: EventTime | null): string {
  const day = at === null ? new Date() : dateOf(at);
  const digits = [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0"));
  return `#calendar:day,${digits.join("")}`;
}
