// Log-ins that are refused for now, after too many failures.

import type { LimitInfo } from "../../gen/admin";
import { attempt, confirm } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { lock } from "../../lib/icons";
import { button, card, head, table, visible } from "../../lib/pages";
import { empty, state } from "../../lib/states";
import { agoShort } from "../../lib/times";
import { many, t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";

/** Forget the failures of an address, or with "" all. */
export async function clearLimits(desk: Desk, ip: string): Promise<void> {
  let dropped = 0;
  if (
    !(await attempt(
      t("Saving…"),
      t("Couldn't allow logins"),
      async () => (dropped = await desk.client.limits_clear(ip)),
    ))
  )
    return;
  desk.say(dropped === 0 ? t("No failed logins to clear") : t("Logins allowed again"));
  await desk.refresh();
}

/** Networks and accounts with failures in the present windows. */
export async function limitsPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.limits_list();
  const all = async () => {
    if (
      await confirm(
        t("Clear all failed logins?"),
        t("All networks and accounts can try again. You can't undo this."),
        t("Clear all"),
      )
    )
      await clearLimits(desk, "");
  };
  const list = table<LimitInfo>(
    t("Failed logins"),
    [
      {
        title: t("Network or account"),
        kind: "main",
        cell: (one) =>
          one.network === one.who
            ? el(
                "a",
                { href: addressOf("trends", ["logins"], { network: one.network }) },
                el("bdi", {}, visible(one.who)),
              )
            : el("bdi", {}, visible(one.who)),
      },
      { title: t("Status"), cell: (one) => (one.refused ? state("warn", t("rejected")) : state("ok", t("allowed"))) },
      { title: t("Failures"), kind: "num", cell: (one) => t("{n} of {limit}", { n: one.failures, limit: one.limit }) },
      { title: t("Time window"), cell: (one) => agoShort(one.window * 1e6) },
      {
        title: "",
        kind: "top",
        cell: (one) =>
          one.network !== "" &&
          button(t("Allow again"), () => void clearLimits(desk, one.network.split("/")[0] ?? ""), {
            kind: "line small",
            name: t("Allow logins from {network} again", { network: one.who }),
          }),
      },
    ],
    found,
  );
  const refused = found.filter((one) => one.refused).length;
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Login limits"),
      many(refused, "{n} blocked before the password check.", "{n} blocked before the password check."),
      el("a", { class: "btn line", href: "#trends" }, t("All trends")),
      found.length > 0 && button(t("Clear all…"), () => void all(), { kind: "line danger" }),
    ),
    card(
      "",
      found.length === 0
        ? empty(
            lock,
            t("No failed logins"),
            t("You'll see failures from the last minute and day here, by network and account."),
          )
        : list,
      { flush: true },
    ),
  );
  return { title: t("Login limits"), root };
}
