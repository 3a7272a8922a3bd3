// Calls of webhooks that wait, and those that are done.

import type { HookLine } from "../../gen/admin";
import { attempt, confirm } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { send } from "../../lib/icons";
import { button, foreign, table } from "../../lib/pages";
import { empty, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { listPage, perPage, pill } from "./frame";

export async function webhooksPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const query = desk.address.query;
  const finished = query.get("finished") === "true";
  const page = {
    n: perPage,
    ...(query.has("last") ? { last: query.get("last") ?? "", last_id: Number(query.get("last_id")) } : {}),
  };
  const found = finished
    ? await desk.client.queue_webhook_retired_list({}, page)
    : await desk.client.queue_webhook_list({}, page);
  const again = async (row: HookLine) => {
    if (
      await attempt(t("Calling webhook…"), t("Couldn't call webhook"), () =>
        desk.client.queue_webhook_schedule(0, { ids: [row.id] }, false, true),
      )
    )
      await desk.refresh();
  };
  const cancel = async (row: HookLine) => {
    if (
      !(await confirm(
        t("Delete this webhook?"),
        t("{url} won't be notified. You can't undo this.", { url: row.url }),
        t("Delete webhook"),
      ))
    )
      return;
    if (
      await attempt(t("Canceling…"), t("Couldn't delete webhook"), () =>
        desk.client.queue_webhook_cancel({ ids: [row.id] }),
      )
    )
      await desk.refresh();
  };
  const list = table<HookLine>(
    t("Webhooks"),
    [
      {
        title: t("Event"),
        kind: "main",
        cell: (row) => [
          el("b", {}, row.event),
          row.success === false && [" ", state("danger", t("failed"))],
          row.success === true && [" ", state("ok", t("done"))],
        ],
      },
      { title: t("Account"), cell: (row) => row.account },
      {
        title: t("URL"),
        cell: (row) => [
          foreign(row.url, 100),
          row.error !== "" && el("div", { class: "hint reason" }, foreign(row.error, 200)),
        ],
      },
      { title: t("Since"), cell: (row) => when(microseconds(row.submitted)) },
      { title: t("Attempts"), kind: "num", cell: (row) => String(row.attempts) },
      {
        title: finished ? t("Finished") : t("Next"),
        cell: (row) => when(microseconds(finished ? row.last_activity : row.next_attempt)),
      },
      {
        title: "",
        kind: "top",
        cell: (row) =>
          !finished &&
          el(
            "span",
            { class: "flex" },
            button(t("Retry now"), () => void again(row), { kind: "line small" }),
            button(t("Delete…"), () => void cancel(row), { kind: "small danger" }),
          ),
      },
    ],
    found,
  );
  const only = (value: boolean, words: string) =>
    pill(addressOf("queue", ["webhooks"], value ? { finished: "true" } : {}), finished === value, words);
  return listPage(t("Webhooks"), "webhooks", {
    query,
    found,
    list,
    none: empty(
      send,
      t("No webhooks"),
      finished
        ? t("To keep finished webhooks listed, set keep_retired_webhook_period for an account.")
        : t("Failed webhooks wait here to be retried."),
    ),
    after: (last) => ({ last: finished ? last.last_activity : last.next_attempt, last_id: String(last.id) }),
    pills: [only(false, t("Waiting")), only(true, t("Finished"))],
  });
}
