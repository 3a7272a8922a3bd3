// News about events (WEBMAIL-129b): invitations without an answer, and what other people changed, in the band above the Inbox,
// whose button opens them, and as a count at Calendar. They are asked for at the start, and when the calendar changes.

import type { Client, EventNews } from "../../gen/webmail";
import { type CommandTable, hintOf, keyText } from "../../lib/commands";
import { attempt } from "../../lib/dialogs";
import { el, fill, isolated, sign } from "../../lib/dom";
import { calendar } from "../../lib/icons";
import { follow } from "../../lib/live";
import { released } from "../../lib/press";
import { adopt } from "../../lib/sheets";
import { many, meant, t } from "../../lib/words";
import type * as AnsweringPart from "../answering/part";
import sheet from "./eventnews.css";
import { titleOf } from "./title";

adopt(sheet);

interface Page {
  readonly client: Client;
  readonly commands: CommandTable;
  readonly desk: { load<T>(part: string): Promise<T> };
}

/** Show in the band above the list that there is news, and its number at the button that opens the calendar. */
export function showEventNews({ client, commands, desk }: Page, band: HTMLElement): void {
  const button = document.querySelector<HTMLElement>(".open-calendar")!;
  const said = el("span", { class: "event-news-said" });
  const go = el("b", { class: "event-news-go" });
  const key = el("kbd");
  const box = el(
    "button",
    { class: "event-news", type: "button", "aria-haspopup": "dialog", hidden: true, onclick: () => void open() },
    sign(calendar, "i s"),
    said,
    go,
    key,
  );
  const count = el("span", { class: "event-news-count", hidden: true });
  const label = button.getAttribute("aria-label") ?? "";
  let news: readonly EventNews[] = [];
  let panel: AnsweringPart.Panel | undefined;
  const draw = () => {
    const invitations = news.filter((one) => one.said === "invited");
    const shown = invitations.length > 0 ? invitations : news;
    const who = [...new Set(shown.map((one) => one.who))].map((name) => isolated(name)).join(", ");
    fill(said, el("b", {}, titleOf(news)), " ", who);
    fill(go, invitations.length > 0 ? meant("invitation", "Answer") : t("Show"));
    const command = commands.get("app.invitations");
    box.title = hintOf(command);
    fill(key, command.keys?.[0] !== undefined && keyText(command.keys[0]));
    box.hidden = count.hidden = news.length === 0;
    fill(count, t("{n}", { n: news.length }));
    const added = news.length === 0 ? "" : ` ${many(news.length, "{n} new", "{n} new")}`;
    button.setAttribute("aria-label", label + added);
    panel?.update(news);
  };
  const ask = async () => {
    const found = await client.event_news();
    await released(band);
    news = found;
    draw();
  };
  const open = () =>
    attempt(t("Loading…"), t("Couldn't open this item"), async () => {
      const { openNews } = await desk.load<typeof AnsweringPart>("answering");
      panel ??= openNews(client, news, box, ask);
      await panel.closed;
      panel = undefined;
    });
  commands.add(t("Anywhere"), [
    {
      id: "app.invitations",
      title: t("Answer invitations"),
      keys: ["i"],
      when: () => box.checkVisibility(),
      run: open,
    },
  ]);

  // without a connection the page says so elsewhere
  const live = follow(ask, () => undefined);
  addEventListener("calendars", () => live.changed());
  button.append(" ", count);
  band.append(box);
  live.changed();
}
