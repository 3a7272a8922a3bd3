// The question what Gmail's labels mean, where a trial of an import found them in a language that is not known.

import type { ImportLabel } from "../../gen/account";
import { el, fill } from "../../lib/dom";
import { locale, t } from "../../lib/words";

type Meaning = ImportLabel["meaning"];

function meanings(): [Meaning, string][] {
  return [
    ["mailbox", t("Folder with this name")],
    ["inbox", t("Inbox")],
    ["sent", t("Sent")],
    ["drafts", t("Drafts")],
    ["trash", t("Trash")],
    ["junk", t("Junk")],
    ["archive", t("Archived")],
    ["unread", t("Unread")],
    ["opened", t("Opened")],
    ["starred", t("Flagged")],
    ["important", t("Important")],
    ["ignored", t("Skip")],
  ];
}

const isMailbox = (meaning: string): boolean => meaning === "mailbox";

export class LabelQuestion {
  readonly root = el("section", { class: "form", hidden: true, "aria-labelledby": "labels-title" });
  private readonly choices = new Map<ImportLabel, HTMLSelectElement>();

  /** `start` imports the file with the answers. */
  constructor(private readonly start: () => void) {}

  /** Ask for labels, each with the meaning that the server proposes. */
  ask(labels: readonly ImportLabel[]): void {
    this.choices.clear();
    const rows = labels.map((label) => {
      const choice = el(
        "select",
        { "aria-label": t("Meaning of {label}", { label: label.name }) },
        meanings().map(([value, words]) => el("option", { value }, words)),
      );
      choice.value = label.meaning;
      this.choices.set(label, choice);
      return el(
        "tr",
        {},
        el("th", { scope: "row" }, label.name),
        ...[label.messages, label.own, label.delivered].map((n) => el("td", {}, n.toLocaleString(locale()))),
        el("td", {}, choice),
      );
    });
    fill(
      this.root,
      el("h3", { id: "labels-title" }, t("Match Gmail labels")),
      el(
        "p",
        { class: "hint" },
        t(
          "We couldn't detect the language of these Gmail labels, so we guessed their meanings. Change any that are wrong.",
        ),
      ),
      el(
        "div",
        { class: "counts" },
        el(
          "table",
          {},
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              [t("Label"), t("Messages"), t("Sent by you"), t("Received"), t("Meaning")].map((words) =>
                el("th", { scope: "col" }, words),
              ),
            ),
          ),
          el("tbody", {}, rows),
        ),
      ),
      el(
        "div",
        { class: "flex wrap" },
        el("button", { class: "btn primary", onclick: () => this.start() }, t("Import")),
      ),
    );
    this.root.hidden = false;
  }

  /** The answers for the form, "" if nothing was asked. A label of which nothing is said becomes a mailbox. */
  get answers(): string {
    const said = [...this.choices].filter(([label, choice]) => ![label.meaning, choice.value].every(isMailbox));
    return said.length > 0
      ? JSON.stringify(Object.fromEntries(said.map(([label, choice]) => [label.name, choice.value])))
      : "";
  }

  clear(): void {
    this.choices.clear();
    fill(this.root);
    this.root.hidden = true;
  }
}
