// The list behind a bar: the counts of a day by reason, and how to find each message in the log.

import type { DayFigures, Sum } from "../../gen/admin";
import { el } from "../../lib/dom";
import { activity } from "../../lib/icons";
import { card, copyable, head, table, visible } from "../../lib/pages";
import { empty } from "../../lib/states";
import { t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { decisionOf } from "../ui/reasons";
import { dayOf, isoDay, kinds } from "./kinds";

/** The counts of a day, in days since 1970. */
export async function dayPage(desk: Desk, number: number): Promise<{ title: string; root: HTMLElement }> {
  const day = Number.isSafeInteger(number) && number >= 0 && number <= 1_000_000 ? number : 0;
  const found = await desk.client.history_day(day);
  const title = dayOf(day);
  const today = Math.floor(Date.now() / 86_400_000);
  const root = el(
    "div",
    { class: "page" },
    head(
      title,
      t("By reason. Days start at midnight UTC."),
      day > 0 && el("a", { class: "btn line", href: addressOf("trends", ["day", String(day - 1)]) }, t("Day before")),
      day < today &&
        el("a", { class: "btn line", href: addressOf("trends", ["day", String(day + 1)]) }, t("Day after")),
      el("a", { class: "btn line", href: "#trends" }, t("All days")),
    ),
    found.length === 0
      ? card(
          "",
          empty(
            activity,
            t("No data for this day"),
            t("Data is kept for 400 days, starting when you installed this version."),
          ),
        )
      : found.map(figures),
    found.length > 0 &&
      card(
        t("Individual messages"),
        el(
          "p",
          {},
          t("To see each message's sender, recipient, and reason, search the log:"),
          " ",
          copyable(`journalctl -u moxlite --utc --since ${isoDay(day)} --until ${isoDay(day + 1)} | grep pkg=smtpd`),
        ),
      ),
  );
  return { title, root };
}

function figures(one: DayFigures): HTMLElement {
  const [title] = kinds[one.kind];
  const total = one.sums.reduce((sum, row) => sum + row.number, 0);
  const network = one.kind === "login-failed";
  const list = table<Sum>(
    title,
    [
      {
        title: network ? t("Network") : t("Reason"),
        kind: "main",
        cell: (row) =>
          row.about === ""
            ? el("span", { class: "muted" }, network ? t("other networks") : t("all"))
            : network
              ? el("a", { href: addressOf("trends", ["logins"], { network: row.about }) }, visible(row.about))
              : [decisionOf(visible(row.about)), " ", el("code", { class: "hint" }, visible(row.about))],
      },
      { title: t("Count"), kind: "num", cell: (row) => row.number.toLocaleString() },
    ],
    one.sums,
  );
  return card(`${title}: ${total.toLocaleString()}`, list, { flush: true });
}
