// News about events (WEBMAIL-129b): invitations without an answer, and what other people changed, as cards above the list and as a
// count at Calendar. They are asked for at the start, and when the calendar changes.

import type { Client, EventNews, EventTime } from "../../gen/webmail";
import { formatted } from "../../lib/dateformats";
import { attempt } from "../../lib/dialogs";
import { type Child, el, fill, isolated } from "../../lib/dom";
import { follow } from "../../lib/live";
import { released } from "../../lib/press";
import { adopt } from "../../lib/sheets";
import { many, t } from "../../lib/words";
import sheet from "./eventnews.css";

adopt(sheet);

/** Cards that are shown at first. */
const few = 2;

/** Show the news above `list`, and their number at the button that opens the calendar. */
export function showEventNews(client: Client, list: HTMLElement): void {
  const button = document.querySelector<HTMLElement>(".open-calendar")!;
  const box = el("section", { class: "event-news", "aria-label": t("Calendar"), hidden: true });
  const count = el("span", { class: "event-news-count", hidden: true });
  const label = button.getAttribute("aria-label") ?? "";
  let whole = false;
  const draw = (news: readonly EventNews[]) => {
    const shown = whole ? news : news.slice(0, few);
    const rest = news.length - shown.length;
    const more = () => {
      whole = true;
      draw(news);
    };
    fill(
      box,
      shown.map((one) => card(one)),
      rest > 0 &&
        el("button", { class: "link event-news-more", type: "button", onclick: more }, t("{n} more", { n: rest })),
    );
    box.hidden = count.hidden = news.length === 0;
    fill(count, t("{n}", { n: news.length }));
    const words = news.length === 0 ? label : `${label} ${many(news.length, "{n} new", "{n} new")}`;
    button.setAttribute("aria-label", words);
  };
  const ask = async () => {
    const found = await client.event_news();
    await released(box);
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
        el("a", { href: place(news.at) }, el("strong", {}, el("bdi", { dir: "auto" }, title))),
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
  list.before(box);
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
