// Addresses to which an account sends nothing more.

import type { Suppressed } from "../../gen/admin";
import { attempt } from "../../lib/dialogs";
import { line } from "../../lib/fields";
import { plus, send, trash2 } from "../../lib/icons";
import { button, foreign, iconButton, table } from "../../lib/pages";
import { empty } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { t } from "../../lib/words";
import type { Desk } from "../ui/page";
import { fieldDialog } from "../ui/shared";
import { address, listPage, perPage } from "./frame";

export async function suppressionsPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const query = desk.address.query;
  const found = await desk.client.queue_suppress_list(
    query.get("account") ?? "",
    query.get("last") ?? "",
    query.get("last_base") ?? "",
    perPage,
  );
  const add = async () => {
    const account = line(t("Account"), "");
    const suppressed = line(t("Address"), "", null, { inputmode: "email" });
    const reason = line(t("Reason"), "");
    const done = await fieldDialog(
      t("Suppress an address"),
      t("Suppress"),
      { account, address: suppressed, reason },
      () =>
        desk.client
          .queue_suppress_add(suppressed.control.value, reason.control.value, account.control.value)
          .then(() => true),
    );
    if (done !== null) await desk.refresh();
  };
  const remove = async (row: Suppressed) => {
    if (
      !(await attempt(t("Removing…"), t("Couldn't remove address"), () =>
        desk.client.queue_suppress_remove(row.address, row.account),
      ))
    )
      return;
    desk.say(t("{address} can get mail again", { address: row.address }), {
      title: t("Undo"),
      run: () =>
        void attempt(t("Undoing…"), t("Couldn't undo"), () =>
          desk.client.queue_suppress_add(row.address, row.reason, row.account),
        ).then(() => desk.refresh()),
    });
    await desk.refresh();
  };
  const list = table<Suppressed>(
    t("Suppressions"),
    [
      { title: t("Address"), kind: "main", cell: (row) => address(row.address) },
      { title: t("Account"), cell: (row) => row.account },
      {
        title: t("Reason"),
        cell: (row) => [row.manual ? t("manual") : t("failed"), row.reason !== "" && [": ", foreign(row.reason, 200)]],
      },
      { title: t("Since"), cell: (row) => when(microseconds(row.created)) },
      { title: t("Until"), cell: (row) => (row.expires === "" ? t("permanent") : when(microseconds(row.expires))) },
      {
        title: "",
        kind: "top",
        cell: (row) => iconButton(t("Remove {address}", { address: row.address }), trash2, () => void remove(row)),
      },
    ],
    found,
  );
  return listPage(t("Suppressions"), "suppressions", {
    query,
    found,
    list,
    none: empty(
      send,
      t("No suppressions"),
      t(
        "Mail to these addresses failed permanently. The account can't send to an address until you remove it from this list.",
      ),
    ),
    after: (last) => ({ last: last.account, last_base: last.base }),
    action: button(t("Suppress an address"), () => void add(), { icon: plus, kind: "primary" }),
  });
}
