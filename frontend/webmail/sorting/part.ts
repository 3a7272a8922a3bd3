// Notices about sorting (WEB-158b): beside the list's title that answers are being sent; in the band above the list that a script
// failed, or that forwarding was stopped. They are asked for at the start, and when the user comes back to the page.

import type { Client, SortingNotices } from "../../gen/webmail";
import { kept } from "../../lib/beside";
import { formatted } from "../../lib/dateformats";
import { attempt, dialog } from "../../lib/dialogs";
import { el, fill, placed, sign } from "../../lib/dom";
import { treePalm } from "../../lib/icons";
import { foreign } from "../../lib/pages";
import { released } from "../../lib/press";
import { inWord } from "../../lib/remarks";
import { sentence } from "../../lib/sentence";
import { adopt } from "../../lib/sheets";
import { remember } from "../../lib/stored";
import { microseconds, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import sheet from "./sorting.css";

adopt(sheet);

/** Key in the browser's storage for the time of the newest error that the user has hidden. */
const hiddenKey = `${kept()}-sorting`;
/** Milliseconds after which a user who comes back is shown new notices. */
const fresh = 3000;

/** Show the newest notice in the `band` above the list, and a vacation reply beside the list's title; `account` is the path of the
 * account app, "" if it is not served. */
export function showNotices(client: Client, band: HTMLElement, account: string): void {
  const box = el("div", { class: "sorting", role: "status", hidden: true });
  const chip = el("button", { class: "chip away-chip", type: "button", hidden: true, "aria-haspopup": "dialog" });
  let asked = 0;
  const draw = (found: SortingNotices) => {
    away(found);
    const lines = [failed(found), ...found.stopped.map((address) => stopped(address))];
    fill(box, lines.find((line) => line !== null) ?? null);
    box.hidden = box.childElementCount === 0;
  };
  const ask = async () => {
    asked = Date.now();
    // without a connection the page says so elsewhere
    const found = await client.sorting_notices().catch(() => null);
    const failure = found?.failure ?? null;
    const text = failure && (await inWord(failure.text));
    await released(box);
    if (found !== null) draw({ ...found, failure: failure && { ...failure, text: text! } });
  };
  const link = (page: string, title: string) =>
    account !== "" && el("a", { class: "link", href: `${account}#${page}` }, title);

  function away(found: SortingNotices): void {
    chip.hidden = !found.away;
    if (!found.away) return;
    const until = found.away_until === null ? null : microseconds(found.away_until);
    const date = until === null ? "" : shortDay(new Date(until / 1000));
    const words = date === "" ? t("Away") : t("Away until {date}", { date });
    chip.ariaLabel = chip.title = words;
    fill(chip, sign(treePalm, "i s"), el("span", {}, words));
    chip.onclick = () =>
      void dialog<void>(t("Away"), (close) => [
        el(
          "p",
          { class: "dialog-text" },
          until === null
            ? t("Vacation reply is on.")
            : placed(t("Vacation reply is on until {time}."), { time: when(until) }),
        ),
        el(
          "div",
          { class: "dialog-buttons" },
          account !== "" &&
            el("button", { class: "btn", onclick: () => location.assign(`${account}#away`) }, t("Change")),
          el("button", { class: "btn primary", autofocus: true, onclick: () => void end(close) }, t("Turn off")),
        ),
      ]);
  }

  async function end(close: () => void): Promise<void> {
    close();
    const done = await attempt(t("Saving…"), t("Couldn't turn off vacation reply"), () =>
      client.account_vacation_set({ enabled: false }),
    );
    if (done) await ask();
  }

  function failed(found: SortingNotices): HTMLElement | null {
    const failure = found.failure;
    if (failure === null || failure.moment <= (localStorage.getItem(hiddenKey) ?? "")) return null;
    const hide = () => {
      remember(hiddenKey, failure.moment);
      draw(found);
    };
    const about =
      failure.script === ""
        ? [foreign(sentence(failure.text.message), 300)]
        : [
            placed(
              failure.line > 0
                ? t("Your script failed in line {line}: {reason}.", { line: failure.line })
                : t("Your script failed: {reason}."),
              { reason: foreign(failure.text.message, 300) },
            ),
            " ",
            t("You'll find the message in your Inbox."),
          ];
    return line(
      [...about, failure.count > 1 && ` ${many(failure.count, "{n} error", "{n} errors in the last 30 days")}`],
      link(failure.script === "" ? "forwarding" : "scripts", t("Show")),
      el("button", { class: "link", onclick: hide }, t("Hide")),
    );
  }

  function stopped(address: string): HTMLElement {
    return line(
      placed(t("Forwarding to {address} stopped after 3 days of bounces. You'll find your mail here."), {
        address: foreign(address, 100),
      }),
      link("forwarding", t("Show")),
    );
  }

  band.append(box);
  document.querySelector(".list-tools")!.prepend(chip);
  document.addEventListener("visibilitychange", () => !document.hidden && Date.now() - asked > fresh && void ask());
  void ask();
}

const shortDay = (date: Date): string => formatted(date, "day", { day: "numeric", month: "short" });

function line(text: Parameters<typeof el>[2], ...actions: Parameters<typeof el>[2][]): HTMLElement {
  return el("div", { class: "sorting-line" }, el("p", {}, text), actions);
}
