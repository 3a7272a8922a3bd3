// Labels: names and colours of keywords (WEBMAIL-84). The settings have those that differ from their keyword.

import type { Label, Mailbox, MessageItem } from "../../gen/webmail";
import { el } from "../../lib/dom";
import { byName } from "../../lib/words";
import { writePlace } from "./address";

/** The label of a keyword. */
export function labelOf(labels: readonly Label[], keyword: string): Label {
  return labels.find((one) => one.keyword === keyword) ?? { keyword, name: keyword, color: 0 };
}

/** The keywords that are labels: programs have theirs begin with "$". */
export function shownLabels(labels: readonly Label[], keywords: readonly string[]): Label[] {
  return keywords
    .filter((one) => !one.startsWith("$") || labels.some(({ keyword }) => keyword === one))
    .map((one) => labelOf(labels, one));
}

/** The labels of the settings, of the mailboxes and of these messages, in the order in which the dialog numbers them: by name. */
export function allLabels(
  labels: readonly Label[],
  mailboxes: readonly Mailbox[],
  items: readonly MessageItem[],
): Label[] {
  const known = new Set([
    ...labels.map(({ keyword }) => keyword),
    ...[...mailboxes, ...items].flatMap(({ keywords }) => keywords),
  ]);
  return shownLabels(labels, [...known]).sort((a, b) => byName(a.name, b.name));
}

/** The address of the search for a label. */
export function labelPlace(name: string): string {
  return writePlace({
    name: "",
    search: `label:${/[\s"]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name}`,
    message: 0,
  });
}

/** A label as a chip; its `data-label` is its name. */
export function chip({ name, color }: Label): HTMLElement {
  return el("span", { class: `keyword c${color}`, title: name, dir: "auto", data: { label: name } }, name);
}
