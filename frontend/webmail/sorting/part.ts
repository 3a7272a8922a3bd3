// Notices about sorting above the list (WEB-158b): answers that are being sent, a script that failed, forwarding that was
// stopped. They are asked for at the start, and when the user comes back to the page.

import type { Client, SortingNotices } from "../../gen/webmail";
import { kept } from "../../lib/beside";
import { attempt } from "../../lib/dialogs";
import { el, fill, placed } from "../../lib/dom";
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

/** Show the notices above `list`; `account` is the path of the account app, "" if it is not served. */
export function showNotices(client: Client, list: HTMLElement, account: string): void {
  const box = el("div", { class: "sorting", role: "status" });
  let asked = 0;
  const draw = (found: SortingNotices) =>
    fill(box, away(found), failed(found), ...found.stopped.map((address) => stopped(address)));
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

  function away(found: SortingNotices): HTMLElement | null {
    if (!found.away) return null;
    const end = async () => {
      const done = await attempt(t("Saving…"), t("Couldn't turn off vacation reply"), () =>
        client.account_vacation_set({ enabled: false }),
      );
      if (done) await ask();
    };
    return line(
      "away",
      found.away_until === null
        ? t("Vacation reply is on.")
        : placed(t("Vacation reply is on until {time}."), { time: when(microseconds(found.away_until)) }),
      el("button", { class: "link", onclick: () => void end() }, t("Turn off")),
      link("away", t("Change")),
    );
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
      "failed",
      [...about, failure.count > 1 && ` ${many(failure.count, "{n} error", "{n} errors in the last 30 days")}`],
      link(failure.script === "" ? "forwarding" : "scripts", t("Show")),
      el("button", { class: "link", onclick: hide }, t("Hide")),
    );
  }

  function stopped(address: string): HTMLElement {
    return line(
      "failed",
      placed(t("Forwarding to {address} stopped after 3 days of bounces. You'll find your mail here."), {
        address: foreign(address, 100),
      }),
      link("forwarding", t("Show")),
    );
  }

  list.before(box);
  document.addEventListener("visibilitychange", () => !document.hidden && Date.now() - asked > fresh && void ask());
  void ask();
}

function line(kind: string, text: Parameters<typeof el>[2], ...actions: Parameters<typeof el>[2][]): HTMLElement {
  return el("div", { class: `sorting-line ${kind}` }, el("p", {}, text), el("span", {}, actions));
}
