// The rules of an address: their order, the one that is edited, and a dry run.

import type { DestinationItem, TriedRules } from "../../gen/account";
import { codeOf, messageOf } from "../../lib/client";
import { attempt } from "../../lib/dialogs";
import { el, fill, sign } from "../../lib/dom";
import { atFields, saved } from "../../lib/fields";
import { arrowDown, arrowUp, filter, gripVertical, plus, x } from "../../lib/icons";
import { brief, button, card } from "../../lib/pages";
import { empty, notice } from "../../lib/states";
import type { Keep } from "../../lib/unsaved";
import { mailboxName, t } from "../../lib/words";
import { applyToExisting } from "../ui/applying";
import type { Desk } from "../ui/page";
import { actions, blank, conditions, fresh, type Names, type Rule, ruleFields, small } from "./fields";
import { Preview } from "./preview";
import { convert, triedOn, version } from "./shown";

/** The rules of an address: their order, the one that is edited, and a dry run. Nothing is saved before "Save". */
export class Rules {
  readonly root = el("div", { data: { form: "" } });
  private readonly rules: Rule[];
  private readonly list = el("ol", { class: "rules", "aria-label": t("Rules, in order") });
  private readonly editor = el("div", {});
  private readonly preview: Preview;
  private readonly tried = el("div", { class: "gap", role: "status" });
  private readonly bar = el("div", { class: "bar" });
  private readonly error = el("p", { class: "error", role: "alert", hidden: true });
  private readonly apply: HTMLButtonElement;
  private open = -1;
  private dragged = -1;
  private fields: Record<string, { problem(text: string): void }> = {};

  constructor(
    private readonly desk: Desk,
    private readonly item: DestinationItem,
    private readonly names: Names,
  ) {
    this.rules = item.form.rulesets.map((rule) => ({ ...fresh, ...rule }));
    this.preview = new Preview(desk, item.address);
    const add = button(t("New rule"), () => this.add(), { icon: plus });
    const test = button(t("Test rules"), () => void this.tryIt());
    const save = button(t("Save"), () => void this.save(), { kind: "primary" });
    this.apply = button(
      t("Apply to existing mail"),
      () =>
        void applyToExisting(desk, this.tried, item.form.mailbox, (after) =>
          desk.client.rules_count(item.address, this.rules, after),
        ),
    );
    fill(
      this.bar,
      save,
      test,
      this.apply,
      button(t("Undo changes"), () => void this.anew(), { kind: "text" }),
      el(
        "details",
        {},
        el("summary", {}, t("More")),
        button(t("Show as Sieve"), () => void convert(desk, item, this.rules)),
      ),
      this.error,
    );
    const all = el("div", { data: { kept: "" } });
    all.addEventListener("keep", (event) => {
      const { detail } = event as Keep<Rule[]>;
      if (detail.value === undefined) detail.value = this.rules;
      else {
        this.rules.splice(0, Infinity, ...structuredClone(detail.value));
        this.edit(-1);
      }
    });
    fill(this.root, all);
    fill(
      all,
      card(
        t("Rules"),
        [
          this.list,
          el(
            "p",
            { class: "hint foot-note" },
            t("To reorder, drag a rule or press Alt and an arrow key. All other mail goes to {mailbox}.", {
              mailbox: mailboxName(item.form.mailbox),
            }),
          ),
        ],
        { flush: true, actions: add },
      ),
      el("div", { class: "rule-editor" }, this.editor, this.preview.root),
      this.bar,
      this.tried,
    );
    this.draw();
  }

  private changed(): boolean {
    return (
      JSON.stringify(this.rules) !== JSON.stringify(this.item.form.rulesets.map((rule) => ({ ...fresh, ...rule })))
    );
  }

  private draw(focus = -1): void {
    this.bar.hidden = this.rules.length === 0 && !this.changed();
    // what was not saved would sort other mail than the mail that comes in
    this.apply.disabled = this.rules.length === 0 || this.changed();
    if (this.rules.length === 0) {
      fill(
        this.list,
        el(
          "li",
          {},
          empty(
            filter,
            t("No rules yet"),
            t("Use rules to move new mail from a sender or list to a folder. Right now, all mail goes to {mailbox}.", {
              mailbox: mailboxName(this.item.form.mailbox),
            }),
          ),
        ),
      );
      return;
    }
    fill(
      this.list,
      this.rules.map((rule, index) => this.row(rule, index)),
    );
    if (focus >= 0) this.list.querySelectorAll<HTMLElement>("button.rule-name")[focus]?.focus();
  }

  private row(rule: Rule, index: number): HTMLElement {
    const name = el(
      "button",
      {
        class: "rule-name",
        type: "button",
        "aria-expanded": String(index === this.open),
        onclick: () => this.edit(index === this.open ? -1 : index),
      },
      el("b", {}, brief(rule.comment || actions(rule, this.names.labels) || t("new rule"))),
      el("span", { class: "hint" }, brief(conditions(rule) || t("no conditions yet"))),
      rule.comment !== "" && el("span", { class: "hint" }, "→ ", brief(actions(rule, this.names.labels))),
    );
    name.addEventListener("keydown", (event) => {
      const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
      if (!event.altKey || step === 0) return;
      event.preventDefault();
      this.move(index, index + step);
    });
    const li = el(
      "li",
      { class: index === this.open ? "rule open" : "rule", draggable: "true" },
      el("span", { class: "grip", "aria-hidden": "true" }, sign(gripVertical)),
      name,
      el(
        "span",
        { class: "flex" },
        small(arrowUp, t("Move up"), () => this.move(index, index - 1), index === 0),
        small(arrowDown, t("Move down"), () => this.move(index, index + 1), index === this.rules.length - 1),
        small(x, t("Delete"), () => this.remove(index)),
      ),
    );
    li.addEventListener("dragstart", (event) => {
      this.dragged = index;
      event.dataTransfer?.setData("text/plain", String(index));
    });
    li.addEventListener("dragover", (event) => this.dragged >= 0 && event.preventDefault());
    li.addEventListener("drop", (event) => {
      event.preventDefault();
      if (this.dragged >= 0) this.move(this.dragged, index);
      this.dragged = -1;
    });
    return li;
  }

  /** Add a rule, with these fields. */
  add(fields: Partial<Rule> = { conditions: [{ ...blank }] }): void {
    this.rules.push({ ...fresh, ...fields });
    this.edit(this.rules.length - 1);
    this.editor.querySelector<HTMLElement>("input")?.focus();
  }

  private remove(index: number): void {
    this.rules.splice(index, 1);
    this.edit(-1);
    this.draw(Math.min(index, this.rules.length - 1));
  }

  private move(from: number, to: number): void {
    const rule = this.rules[from];
    if (rule === undefined || to < 0 || to >= this.rules.length) return;
    this.rules.splice(from, 1);
    this.rules.splice(to, 0, rule);
    if (this.open >= 0) this.edit(-1);
    this.draw(to);
  }

  /** Show the fields of a rule; -1 for none. */
  private edit(index: number): void {
    this.open = index;
    const rule = this.rules[index];
    this.fields = {};
    this.preview.show(this.rules, index);
    if (rule === undefined) {
      fill(this.editor);
      this.draw();
      return;
    }
    const put = (change: Partial<Rule>) => {
      Object.assign(rule, change);
      this.draw();
      this.preview.show(this.rules, index);
    };
    const named = <F extends { problem(text: string): void }>(key: string, one: F): F => {
      this.fields[`rulesets[${this.open}].${key}`] = one;
      return one;
    };
    fill(this.editor, ruleFields(index + 1, rule, this.names, put, named));
    this.draw();
  }

  private complain(text: string): void {
    this.error.hidden = text === "";
    fill(this.error, text);
  }

  /** Show mistakes at the fields of their rule, which is opened. */
  private mistakes(error: unknown): void {
    const fields = error instanceof Error && "fields" in error ? (error.fields as { field: string }[]) : [];
    const rule = /^rulesets\[(\d+)\]/.exec(fields[0]?.field ?? "")?.[1];
    if (rule !== undefined && Number(rule) !== this.open) this.edit(Number(rule));
    try {
      atFields(error, this.fields);
      this.complain(t("To save your changes, fix the errors in rule {n}.", { n: Number(rule ?? 0) + 1 }));
    } catch (rest) {
      this.complain(messageOf(rest));
    }
  }

  private async save(): Promise<void> {
    this.complain("");
    try {
      await this.put(this.item);
    } catch (error) {
      if (codeOf(error) === "user:conflict") await this.conflict(error);
      else this.mistakes(error);
      return;
    }
    this.desk.say(t("Rules saved"));
    await this.anew();
  }

  /** Show what is saved. */
  private async anew(): Promise<void> {
    saved(this.root);
    await this.desk.refresh();
  }

  private async put(old: DestinationItem): Promise<void> {
    await this.desk.client.account_rule_set(old.address, { rulesets: this.rules }, { rulesets: old.form.rulesets });
  }

  /** Others have changed the rules: both versions are shown. */
  private async conflict(error: unknown): Promise<void> {
    const theirs = (await this.desk.client.account_rule_list()).find((one) => one.address === this.item.address);
    if (theirs === undefined) {
      this.complain(messageOf(error));
      return;
    }
    const mine = button(t("Keep mine"), () => void this.force(theirs), {});
    const his = button(t("Use other version"), () => void this.anew(), {});
    fill(
      this.tried,
      notice("warn", t("These settings were changed elsewhere, so your changes weren't saved.")),
      el(
        "div",
        { class: "cols gap" },
        version(t("Your version"), this.rules, mine),
        version(t("Current version"), theirs.form.rulesets, his),
      ),
    );
  }

  private async force(theirs: DestinationItem): Promise<void> {
    if (await attempt(t("Saving…"), t("Couldn't save rules"), () => this.put(theirs))) await this.anew();
  }

  /** Ask the server which rule would have taken the latest messages. */
  private async tryIt(): Promise<void> {
    this.complain("");
    fill(this.tried, notice("wait", t("Testing rules on your mail…")));
    let found: TriedRules;
    try {
      found = await this.desk.client.rules_try(this.item.address, this.rules);
    } catch (error) {
      fill(this.tried);
      this.mistakes(error);
      return;
    }
    fill(this.tried, triedOn(found, this.item.form.mailbox));
  }
}
