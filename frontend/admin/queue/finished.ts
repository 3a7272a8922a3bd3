// Messages that have left the queue.

import type { Line } from "../../gen/admin";
import { el } from "../../lib/dom";
import { send } from "../../lib/icons";
import { foreign, table } from "../../lib/pages";
import { empty, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { address, current, listPage, perPage, pill } from "./frame";
import { more } from "./row";

export async function finishedPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const query = desk.address.query;
  const success = query.get("success") ?? "";
  const page = {
    n: perPage,
    ...(query.has("last") ? { last: query.get("last") ?? "", last_id: Number(query.get("last_id")) } : {}),
  };
  const filter = {
    ...(query.get("sender") ? { sender: query.get("sender") ?? "" } : {}),
    ...(query.get("recipient") ? { recipient: query.get("recipient") ?? "" } : {}),
    ...(success !== "" ? { success: success === "true" } : {}),
  };
  const found = await desk.client.queue_retired_list(filter, page);
  const list = table<Line>(
    t("Finished messages"),
    [
      {
        title: t("Status"),
        kind: "main",
        cell: (row) => (row.success === true ? state("ok", t("delivered")) : state("danger", t("failed"))),
      },
      { title: t("From"), cell: (row) => address(row.sender) },
      {
        title: t("To"),
        cell: (row) => [
          address(row.recipient),
          row.error !== "" && el("div", { class: "hint" }, foreign(row.error, 140)),
        ],
      },
      { title: t("Queued"), cell: (row) => when(microseconds(row.queued)) },
      { title: t("Finished"), cell: (row) => when(microseconds(row.last_activity)) },
      { title: "", kind: "top", cell: (row) => more(desk, row) },
    ],
    found,
  );
  const only = (value: string, words: string) =>
    pill(addressOf("queue", ["finished"], { ...current(query), success: value }), success === value, words);
  return listPage(t("Finished"), "finished", {
    query,
    found,
    list,
    none: empty(
      send,
      t("No finished messages"),
      t("To keep finished messages listed, set keep_retired_message_period for an account."),
    ),
    after: (last) => ({ last: last.last_activity, last_id: String(last.id) }),
    pills: [only("", t("All")), only("false", t("Failed")), only("true", t("Delivered"))],
  });
}
