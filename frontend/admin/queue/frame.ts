// What the pages of the queue share: their tabs, links to more rows, and how an address is written.

import { attempt } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { tabs, visible } from "../../lib/pages";
import { t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";

export const perPage = 50;

export const current = (query: URLSearchParams): Record<string, string> =>
  Object.fromEntries([...query.entries()].filter(([name]) => !name.startsWith("last")));

export const tabLinks = (on: string) =>
  tabs(t("Queue"), [
    ["#queue", t("Waiting"), on === "queue"],
    ["#queue/rules", t("Hold rules"), on === "rules"],
    ["#queue/finished", t("Finished"), on === "finished"],
    ["#queue/webhooks", t("Webhooks"), on === "webhooks"],
    ["#queue/suppressions", t("Suppressions"), on === "suppressions"],
  ]);

export const address = (value: string): Child =>
  el(
    "div",
    { class: "address" },
    value === "" ? el("span", { class: "muted" }, t("(none)")) : el("bdi", {}, visible(value)),
  );

export function pager(query: URLSearchParams, following: string, page: readonly string[] = []): HTMLElement {
  return el(
    "div",
    { class: "pages" },
    query.has("last") &&
      el("a", { class: "btn line", href: addressOf("queue", page, current(query)) }, t("First page")),
    following !== "" && el("a", { class: "btn line", href: following }, t("Next page")),
  );
}

export async function undone(desk: Desk, back: () => Promise<unknown>): Promise<void> {
  const done = await attempt(t("Undoing"), back);
  await desk.refresh();
  if (done) desk.say(t("Undone"));
}
