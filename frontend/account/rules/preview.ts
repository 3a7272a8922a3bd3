// Beside the form of a rule: what it would have done to the mail that came in, asked anew after each change.

import type { TriedMessage } from "../../gen/account";
import { el, fill } from "../../lib/dom";
import { card, foreign } from "../../lib/pages";
import { microseconds, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import type { Desk } from "../ui/page";
import { conditions, type Rule } from "./fields";

/** Milliseconds without a change before the server is asked. */
const quiet = 700;

/** Messages that are listed. */
const few = 5;

export class Preview {
  readonly root = el("div", { class: "rule-preview", role: "status" });
  private timer = 0;
  private asked = 0;
  private running = false;

  constructor(
    private readonly desk: Desk,
    private readonly address: string,
  ) {}

  /** Show what the rule of this index would have done; nothing for an index without a rule. */
  show(rules: readonly Rule[], index: number): void {
    const number = ++this.asked;
    clearTimeout(this.timer);
    const rule = rules[index];
    if (rule === undefined) {
      fill(this.root);
      return;
    }
    if (!isWhole(rule)) {
      this.say(t("To see matching mail here, complete the rule."));
      return;
    }
    this.timer = window.setTimeout(
      () =>
        void this.ask(
          number,
          rules.map((one) => ({ ...one })),
          index,
        ),
      quiet,
    );
  }

  private async ask(number: number, rules: readonly Rule[], index: number): Promise<void> {
    // One at a time: a slow rule is not asked for each letter.
    if (this.running) {
      this.timer = window.setTimeout(() => void this.ask(number, rules, index), quiet);
      return;
    }
    this.running = true;
    try {
      // An earlier rule that is half typed has no say yet.
      const tried = rules.map((rule, at) => (at <= index && isWhole(rule) ? rule : null));
      const sent = tried.filter((rule) => rule !== null);
      const own = sent.indexOf(tried[index]!);
      const found = await this.desk.client.rules_try(this.address, sent);
      if (number === this.asked)
        this.tell(
          found.messages.filter((one) => one.rule === own),
          found.messages.length,
        );
    } catch {
      // The mistake is told at its field when the rules are saved.
      if (number === this.asked) this.say(t("Couldn't preview this rule. Save it to see what's wrong."));
    } finally {
      this.running = false;
    }
  }

  private say(text: string): void {
    fill(this.root, card(t("Matching mail"), el("p", { class: "hint" }, text)));
  }

  private tell(taken: readonly TriedMessage[], all: number): void {
    if (all === 0) {
      this.say(t("You haven't received mail at this address over SMTP yet, so you can't test the rules."));
      return;
    }
    const count = many(all, "Matches {found} of {n} message", "Matches {found} of the last {n} messages", {
      found: taken.length,
    });
    fill(
      this.root,
      card(t("Matching mail"), [
        el("p", {}, el("b", {}, count)),
        el(
          "ul",
          { class: "preview-list" },
          taken
            .slice(0, few)
            .map((one) =>
              el(
                "li",
                {},
                el("span", { class: "muted" }, foreign(one.sender, 60), " · ", when(microseconds(one.received))),
                el("span", {}, foreign(one.subject, 120)),
              ),
            ),
        ),
        taken.length > few && el("p", { class: "hint" }, t("and {n} more", { n: taken.length - few })),
      ]),
    );
  }
}

/** Whether a rule has a condition and an action, none half typed. */
function isWhole(rule: Rule): boolean {
  const acts = [
    rule.mailbox,
    rule.label,
    rule.star,
    rule.read,
    rule.never_junk,
    rule.list_allow_domain,
    rule.is_forward,
  ];
  return (
    conditions(rule) !== "" &&
    rule.conditions.every((one) => one.part === "attachment" || one.value.trim() !== "") &&
    (acts.some((one) => one !== "" && one !== false) ||
      rule.forward_to.length > 0 ||
      rule.accept_rejects_to_mailbox !== "")
  );
}
