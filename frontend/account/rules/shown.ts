// Rules as something else: as a Sieve script, as a version beside another, as what they would have done.

import type { DestinationItem, Rule, RulesAsSieve, TriedRules } from "../../gen/account";
import { attempt, dialog } from "../../lib/dialogs";
import { el, placed } from "../../lib/dom";
import { card, foreign } from "../../lib/pages";
import { notice } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { mailboxName, many, t } from "../../lib/words";
import type { Desk } from "../ui/page";
import { conditions } from "./fields";

/** Show the rules of an address as a Sieve script, which can be kept as one. */
export async function convert(desk: Desk, item: DestinationItem, rules: readonly Rule[]): Promise<void> {
  const made: { found?: RulesAsSieve } = {};
  if (
    !(await attempt(
      t("Converting…"),
      t("Couldn't convert rules"),
      async () => (made.found = await desk.client.rules_as_sieve([...rules])),
    ))
  )
    return;
  const { script, left_out: leftOut } = made.found!;
  const keep = await dialog<boolean>(t("Your rules as a Sieve script"), (close) =>
    [
      el(
        "p",
        { class: "dialog-text" },
        t(
          "The script runs for all your addresses, after their rules. To use the script instead, save it, then delete the rules here.",
        ),
      ),
      leftOut.length > 0 &&
        notice(
          "warn",
          el(
            "ul",
            { class: "faults" },
            leftOut.map((one) =>
              el(
                "li",
                {},
                placed(t("Rule {number}: {reason}", { number: one.rule + 1 }), { reason: foreign(one.reason) }),
              ),
            ),
          ),
        ),
      el("pre", { class: "code-shown", tabindex: "0" }, script),
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Close")),
        el("button", { class: "btn primary", type: "button", onclick: () => close(true) }, t("Save as script")),
      ),
    ].filter((one): one is HTMLElement => one !== false),
  );
  if (keep !== true) return;
  const name = t("rules for {address}", { address: item.address });
  if (
    await attempt(t("Saving…"), t("Couldn't save script"), () =>
      desk.client.account_sieve_put(name, script, false, null),
    )
  )
    desk.go(`#scripts/edit/${encodeURIComponent(name)}`);
}

/** One version of the rules, with what keeps it. */
export function version(title: string, form: readonly Rule[], keep: HTMLElement): HTMLElement {
  return card(
    title,
    el(
      "ol",
      { class: "versions" },
      form.map((rule) =>
        el(
          "li",
          {},
          foreign(rule.comment || mailboxName(rule.mailbox)),
          el("span", { class: "hint" }, " ", foreign(conditions(rule), 200)),
        ),
      ),
    ),
    { actions: keep },
  );
}

/** What the rules would have done with the latest messages; `mailbox` is where the others go. */
export function triedOn(found: TriedRules, mailbox: string): HTMLElement {
  const taken = found.messages.filter((one) => one.rule !== null);
  const others = found.messages.length - taken.length;
  if (found.messages.length === 0) {
    return notice(
      "unknown",
      t("You haven't received mail at this address over SMTP yet, so you can't test the rules."),
    );
  }
  return card(
    t("Test rules"),
    [
      !found.complete && notice("warn", t("Timed out before all messages were checked.")),
      el(
        "ul",
        { class: "lines" },
        taken
          .slice(0, 100)
          .map((one) =>
            el(
              "li",
              {},
              el("span", { class: "chip" }, t("Rule {n}", { n: one.rule! + 1 })),
              el(
                "span",
                { class: "grow" },
                el("b", {}, foreign(one.sender, 60)),
                " ",
                el("span", { class: "muted" }, foreign(one.subject, 120)),
              ),
              el("span", { class: "muted" }, when(microseconds(one.received))),
            ),
          ),
      ),
    ],
    {
      flush: true,
      hint: many(
        found.messages.length,
        "Rules match {taken} of {n} message. {others} would go to {mailbox}.",
        "Rules match {taken} of the last {n} messages. {others} would go to {mailbox}.",
        { taken: taken.length, others, mailbox: mailboxName(mailbox) },
      ),
    },
  );
}
