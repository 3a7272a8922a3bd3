// Deleted events and contacts, which come back for 30 days (DAV-46).

import { attempt, dialog, setStatus } from "../../lib/dialogs";
import { el, fill, isolated } from "../../lib/dom";
import { formatted } from "../../lib/dateformats";
import { t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";

/** Show what was deleted of a kind; `again` draws the page anew after something has come back. */
export async function showDeleted(
  client: Surroundings["client"],
  kind: "calendar" | "contact",
  again: () => Promise<void>,
): Promise<void> {
  const list = el("ul", { class: "deleted-list" });
  const date = (seconds: number) =>
    formatted(new Date(seconds * 1000), "deleted day", { day: "numeric", month: "short", year: "numeric" });
  const draw = async () => {
    const found = await client.deleted_list(kind);
    fill(
      list,
      found.map((one) => {
        const title = one.title === "" ? t("(no title)") : isolated(one.title);
        return el(
          "li",
          {},
          el(
            "span",
            {},
            el("bdi", { dir: "auto" }, title),
            el(
              "small",
              {},
              [
                one.starts !== null && date(one.starts),
                isolated(one.place),
                t("deleted on {day}", { day: date(one.deleted) }),
              ]
                .filter(Boolean)
                .join(" · "),
            ),
          ),
          el(
            "button",
            {
              class: "btn line small",
              type: "button",
              "aria-label": t("Restore “{title}”", { title }),
              onclick: () => void back(one.id),
            },
            t("Restore"),
          ),
        );
      }),
      found.length === 0 && el("li", { class: "hint" }, t("Nothing deleted in the last 30 days.")),
    );
  };
  const back = (id: number) =>
    attempt(t("Restoring…"), t("Couldn't restore"), async () => {
      await client.deleted_restore(id);
      await Promise.all([draw(), again()]);
      list.querySelector("button")?.focus();
    }).then((done) => (done ? setStatus(t("Restored")) : undefined));
  if (!(await attempt(t("Loading…"), t("Couldn't load deleted items"), draw))) return;
  await dialog<void>(kind === "calendar" ? t("Deleted events") : t("Deleted contacts"), (close) => [
    list,
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn", type: "button", autofocus: true, onclick: () => close() }, t("Close")),
    ),
  ]);
}
