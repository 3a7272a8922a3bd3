// What the pages of the queue share: their tabs, links to more rows, and how an address is written.

import { attempt } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { card, head, tabs, visible } from "../../lib/pages";
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

/** A link that chooses among the rows of a list. */
export const pill = (href: string, on: boolean, words: string): HTMLElement =>
  el("a", { class: "chip pill", href, "aria-current": on ? "true" : undefined }, words);

/** A page of rows in the order in which the server gave them. */
interface Listed<T> {
  readonly query: URLSearchParams;
  readonly found: readonly T[];
  readonly list: HTMLElement;
  /** In place of the list where it has no rows. */
  readonly none: HTMLElement;
  /** Parameters of the address of the rows after this one. */
  after(last: T): Record<string, string>;
  readonly action?: Child;
  readonly pills?: HTMLElement[];
}

/** The page of a list, with links to its other pages. */
export function listPage<T>(
  title: string,
  tab: string,
  { query, found, list, none, after, action = null, pills = [] }: Listed<T>,
): { title: string; root: HTMLElement } {
  const last = found.at(-1);
  const following =
    last !== undefined && found.length === perPage
      ? addressOf("queue", [tab], { ...current(query), ...after(last) })
      : "";
  return {
    title,
    root: el(
      "div",
      { class: "page" },
      head(t("Queue"), null, action),
      tabLinks(tab),
      pills.length > 0 && el("div", { class: "filter" }, pills),
      card("", found.length === 0 ? none : list, { flush: true }),
      pager(query, following, [tab]),
    ),
  };
}

export async function undone(desk: Desk, back: () => Promise<unknown>): Promise<void> {
  const done = await attempt(t("Undoing…"), t("Couldn't undo"), back);
  await desk.refresh();
  if (done) desk.say(t("Undone"));
}
