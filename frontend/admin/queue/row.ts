// A message of the queue, unfolded: its attempts, with what the other side said.

import type { Line, Try } from "../../gen/admin";
import { messageOf } from "../../lib/client";
import { attempt, dialog } from "../../lib/dialogs";
import { type Child, el, fill, sign } from "../../lib/dom";
import { chevronDown, chevronRight } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { button, foreign, pairs, visible } from "../../lib/pages";
import { notice, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";

/** The button that unfolds a message: its attempts, with what the other servers said. */
export function more(desk: Desk, row: Line): HTMLElement {
  const face = el("span", {}, sign(chevronRight, "i s"));
  const opener = el(
    "button",
    {
      class: "btn icon small",
      type: "button",
      "aria-expanded": "false",
      "aria-label": t("Attempts for {recipient}", { recipient: row.recipient }),
    },
    face,
  );
  let below: HTMLElement | null = null;
  opener.addEventListener("click", async () => {
    if (below !== null) {
      below.remove();
      below = null;
    } else {
      const cell = el("td", { colspan: "8" }, t("Loading…"));
      below = el("tr", {}, cell);
      opener.closest("tr")?.after(below);
      try {
        fill(cell, detail(desk, row, await desk.client.queue_attempts(row.id)));
      } catch (error) {
        fill(cell, notice("danger", messageOf(error)));
      }
    }
    opener.setAttribute("aria-expanded", String(below !== null));
    fill(face, sign(below === null ? chevronRight : chevronDown, "i s"));
  });
  return opener;
}

function detail(desk: Desk, row: Line, tries: readonly Try[]): Child[] {
  const waits = row.next_attempt !== "" || row.hold;
  const header = async () => {
    const found = await desk.client.queue_header(row.id);
    await dialog<void>(t("Header"), (close) => [
      el(
        "pre",
        { class: "zone", tabindex: "0" },
        visible(found.replaceAll("\r\n", "\n")).replaceAll("[U+000A]", "\n").replaceAll("[U+0009]", "\t"),
      ),
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")),
      ),
    ]);
  };
  return [
    el(
      "ol",
      { class: "attempts" },
      tries.length === 0
        ? el("li", {}, t("No attempts yet."))
        : tries.map((one) =>
            el(
              "li",
              {},
              when(microseconds(one.start)),
              el(
                "div",
                {},
                state(
                  one.outcome === "delivered" ? "ok" : "warn",
                  one.outcome === "delivered" ? t("delivered") : t("not delivered"),
                ),
                " ",
                el("b", {}, visible(one.host)),
                one.ip !== "" && ` [${one.ip}]`,
                one.tls !== "" && `, ${one.tls}`,
                one.transport !== "" && `, ${one.transport}`,
                one.meaning !== "" && el("div", {}, one.meaning),
                (one.reply !== "" || one.outcome !== "delivered") &&
                  el("div", {}, el("q", {}, foreign(one.reply !== "" ? one.reply : one.outcome, 400))),
                one.admin !== "" && el("div", { class: "hint" }, one.admin),
              ),
            ),
          ),
    ),
    pairs([
      [t("Subject"), foreign(row.subject, 200)],
      [t("Size"), size(row.size)],
      [t("Message-ID"), foreign(row.message_id, 200)],
      [t("Account"), row.account === "" ? "–" : el("a", { href: addressOf("accounts", [row.account]) }, row.account)],
      [t("Next step"), row.next],
      ...(row.admin !== "" ? [[t("Advice"), row.admin] as const] : []),
    ]),
    waits &&
      el(
        "div",
        { class: "flex wrap" },
        button(t("Header"), () => void attempt(t("Loading…"), t("Couldn't load header"), header), {
          kind: "line small",
        }),
      ),
  ];
}
