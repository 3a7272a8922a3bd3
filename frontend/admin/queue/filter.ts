// Which messages of the queue are shown: the filter and the page in the address, and the form above the list.

import type { Filter, Page } from "../../gen/admin";
import { el } from "../../lib/dom";
import { choice, line } from "../../lib/fields";
import { t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { filterForm } from "../ui/shared";
import { perPage } from "./frame";

/** Fields of the filter, as the page's address names them. */
const names = ["account", "sender", "recipient", "hold", "submitted", "next_attempt", "transport"] as const;

export function filterOf(query: URLSearchParams): Filter {
  const found: Filter = {};
  for (const name of ["account", "sender", "recipient", "submitted", "next_attempt"] as const) {
    const value = query.get(name);
    if (value !== null && value !== "") found[name] = value;
  }
  const hold = query.get("hold");
  if (hold !== null && hold !== "") found.hold = hold === "true";
  const transport = query.get("transport");
  if (transport !== null) found.transport = transport;
  return found;
}

export function pageOf(query: URLSearchParams): Page {
  const sort = query.get("sort") === "queued" ? "queued" : "next_attempt";
  const page: Page = { sort, ascending: query.get("order") !== "desc", n: perPage };
  const last = query.get("last");
  if (last !== null) Object.assign(page, { last, last_id: Number(query.get("last_id")) });
  return page;
}

export function filters(desk: Desk, transports: readonly string[]): HTMLElement {
  const query = desk.address.query;
  const get = (name: string) => query.get(name) ?? "";
  const fields = {
    sender: line(t("From"), get("sender"), null, { placeholder: t("text or @domain") }),
    recipient: line(t("To"), get("recipient"), null, { placeholder: t("text or @domain") }),
    account: line(t("Account"), get("account")),
    hold: choice(
      t("On hold"),
      [
        ["", t("any")],
        ["true", t("on hold")],
        ["false", t("not on hold")],
      ],
      get("hold"),
    ),
    submitted: choice(
      t("Waiting"),
      [
        ["", t("any time")],
        ["<-1h", t("over an hour")],
        ["<-4h", t("over 4 hours")],
        ["<-1d", t("over a day")],
        ["<-3d", t("over 3 days")],
      ],
      get("submitted"),
    ),
    next_attempt: choice(
      t("Next attempt"),
      [
        ["", t("any time")],
        ["<now", t("due")],
        ["<1h", t("within an hour")],
        [">1h", t("in more than an hour")],
      ],
      get("next_attempt"),
    ),
    transport: choice(
      t("Transport"),
      [["*", t("any")], ["", t("based on routes")], ...transports.map((one): [string, string] => [one, one])],
      query.get("transport") ?? "*",
    ),
    sort: choice(
      t("Sort order"),
      [
        ["next_attempt", t("next attempt first")],
        ["queued", t("oldest first")],
        ["newest", t("newest first")],
      ],
      query.get("order") === "desc" ? "newest" : get("sort"),
    ),
  };
  const apply = () => {
    const found: Record<string, string> = {};
    for (const name of names)
      if (fields[name].control.value !== "" && name !== "transport") found[name] = fields[name].control.value;
    const { value } = fields.sort.control;
    if (value === "queued" || value === "newest") found["sort"] = "queued";
    if (value === "newest") found["order"] = "desc";
    let to = addressOf("queue", [], found);
    const transport = fields.transport.control.value;
    if (transport !== "*") to += `${to.includes("?") ? "&" : "?"}transport=${encodeURIComponent(transport)}`;
    desk.go(to);
  };
  const form = filterForm(
    apply,
    fields.sender.root,
    fields.recipient.root,
    fields.account.root,
    fields.hold.root,
    fields.submitted.root,
    fields.next_attempt.root,
    fields.transport.root,
    fields.sort.root,
  );
  const used = [...query.keys()].some((name) => name !== "last" && name !== "last_id");
  return el(
    "details",
    { class: "filters", open: used || innerWidth > 700 },
    el("summary", {}, t("Filter and sort")),
    form,
  );
}
