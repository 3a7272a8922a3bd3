// The list behind a network: its latest failed log-ins.

import type { Attempt } from "../../gen/admin";
import { el } from "../../lib/dom";
import { lock } from "../../lib/icons";
import { button, card, foreign, head, table, visible } from "../../lib/pages";
import { empty } from "../../lib/states";
import { when } from "../../lib/times";
import { t } from "../../lib/words";
import { protocolOf, resultOf } from "../ui/logins";
import type { Desk } from "../ui/page";
import { clearLimits } from "./limits";

/** The latest failed log-ins from a network. */
export async function loginsPage(desk: Desk, network: string): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.attempts_from(network);
  const list = table<Attempt>(
    t("Failed logins"),
    [
      {
        title: t("Username"),
        kind: "main",
        cell: (row) => (row.address === "" ? el("span", { class: "muted" }, t("(none)")) : foreign(row.address, 120)),
      },
      {
        title: t("Account"),
        cell: (row) =>
          row.account === "-" ? el("span", { class: "muted" }, t("none")) : el("bdi", {}, visible(row.account)),
      },
      { title: t("From"), cell: (row) => el("bdi", {}, visible(row.remote_ip)) },
      {
        title: t("Protocol"),
        cell: (row) => [
          protocolOf(row.protocol),
          row.user_agent !== "" && el("div", { class: "hint" }, foreign(row.user_agent, 80)),
        ],
      },
      { title: t("Result"), cell: (row) => resultOf(row.result) },
      { title: t("Attempts"), kind: "num", cell: (row) => row.count.toLocaleString() },
      { title: t("Last"), cell: (row) => when(row.last) },
    ],
    found,
  );
  const root = el(
    "div",
    { class: "page" },
    head(
      [t("Failed logins from"), " ", el("bdi", {}, visible(network))],
      t("Latest attempts in the last 30 days."),
      el("a", { class: "btn line", href: "#trends" }, t("All trends")),
    ),
    card(
      "",
      found.length === 0
        ? empty(lock, t("No failed logins listed"), t("Attempts are listed for 30 days and charted for 400 days."))
        : list,
      { flush: true },
    ),
    found.length > 0 &&
      card(
        t("Blocked automatically"),
        el(
          "p",
          {},
          t("After too many failures, a network is blocked before the password check."),
          " ",
          el("a", { href: "#trends/limits" }, t("All limits")),
        ),
        {
          actions: button(t("Allow again"), () => void clearLimits(desk, network.split("/")[0] ?? ""), {
            kind: "line small",
          }),
        },
      ),
  );
  return { title: t("Failed logins"), root };
}
