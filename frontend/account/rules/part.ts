// Addresses with their settings, and the rules that file their mail.

import type { DestinationForm, DestinationItem, Rule, RulesAsSieve, TriedRules } from "../../gen/account";
import { codeOf, messageOf } from "../../lib/client";
import { attempt, dialog } from "../../lib/dialogs";
import { type Child, el, fill, sign } from "../../lib/dom";
import { type Field, atFields, choice, form, line, tick } from "../../lib/fields";
import { filter, gripVertical, plus } from "../../lib/icons";
import { brief, button, card, foreign, head } from "../../lib/pages";
import { empty, notice, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import { addressName } from "../ui/program";
import { applyToExisting } from "../ui/applying";
import type { Desk, MakePage } from "../ui/page";

const addresses: MakePage = async (desk) => {
  const [all, mailboxes] = await Promise.all([desk.client.destination_list(), desk.client.mailboxes()]);
  const chosen = all.find((one) => one.address === desk.path[0]);
  const names = mailboxes.map((one) => one.name);
  if (chosen !== undefined)
    return {
      title: chosen.address,
      root: el(
        "div",
        { class: "page" },
        above("#addresses", t("Addresses")),
        head(addressName(chosen), ""),
        settings(desk, chosen, names),
      ),
    };
  const overview = await desk.client.overview();
  const name = line(t("Your name"), overview.full_name, t("The name in mail that you send from the webmail."));
  const save = form(name.root, t("Save"), async () => {
    try {
      await desk.client.full_name_save(overview.full_name, name.control.value);
    } catch (error) {
      atFields(error, { full_name: name });
      return;
    }
    desk.say(t("Saved"));
    await desk.refresh();
  });
  const root = el(
    "div",
    { class: "page" },
    head(t("Addresses"), t("The administrator adds and removes addresses.")),
    card("", save.root),
    card(t("Addresses"), el("ul", { class: "lines" }, all.map(addressLine)), { flush: true }),
  );
  return { title: t("Addresses"), root };
};

function above(href: string, title: string): HTMLElement {
  return el("p", { class: "hint" }, el("a", { href }, title), " /");
}

function addressLine(one: DestinationItem): HTMLElement {
  const path = encodeURIComponent(one.address);
  const rules = one.form.rulesets.length;
  return el(
    "li",
    {},
    el(
      "span",
      { class: "grow" },
      el("a", { class: "name", href: `#addresses/${path}` }, el("bdi", {}, addressName(one))),
      el(
        "span",
        { class: "hint" },
        ` ${one.form.smtp_error === "" ? t("to {mailbox}", { mailbox: one.form.mailbox }) : ""}`,
      ),
    ),
    one.form.smtp_error !== "" && state("off", t("refuses all mail")),
    el(
      "a",
      { class: "btn text small", href: `#rules/${path}` },
      rules === 0 ? t("Rules") : many(rules, "{n} rule", "{n} rules"),
    ),
  );
}

/** The settings of one address. */
function settings(desk: Desk, one: DestinationItem, names: readonly string[]): HTMLElement {
  const old = one.form;
  const box = mailbox(t("Mail goes to"), old.mailbox, names, t("The mailbox for mail that no rule files."));
  const name = line(t("Name for this address"), old.full_name, t("Empty: your own name."));
  const refuse = line(
    t("Refuse all mail, with this answer"),
    old.smtp_error,
    t("421 or 550, a space and a text, such as “550 this address is no longer in use”. Empty: mail is taken."),
  );
  const proof = line(
    t("Refuse mail whose sender is not proven, with this text"),
    old.message_auth_required_smtp_error,
    t("Mail without valid DMARC, DKIM or SPF. Empty: it is judged like other mail."),
  );
  const refused = line(
    t("Refused addresses"),
    old.refused_addresses.join(" "),
    t(
      "Addresses that lead here and are refused as they are written, separated by spaces, such as you+shop@example.org.",
    ),
  );
  const box2 = form([box.root, name.root, refuse.root, proof.root, refused.root], t("Save"), async () => {
    const changed: DestinationForm = {
      ...old,
      mailbox: box.control.value,
      full_name: name.control.value,
      smtp_error: refuse.control.value,
      message_auth_required_smtp_error: proof.control.value,
      refused_addresses: refused.control.value.split(/\s+/).filter((word) => word !== ""),
    };
    try {
      await desk.client.destination_save(one.address, old, changed);
    } catch (error) {
      atFields(error, {
        mailbox: box,
        full_name: name,
        smtp_error: refuse,
        message_auth_required_smtp_error: proof,
        refused_addresses: refused,
      });
      return;
    }
    desk.say(t("Saved"));
    await desk.refresh();
  });
  return card("", [
    box2.root,
    el(
      "p",
      { class: "hint gap" },
      el("a", { href: `#rules/${encodeURIComponent(one.address)}` }, t("Rules of this address")),
    ),
  ]);
}

/** A field for the name of a mailbox, with the known ones to choose from. */
function mailbox(label: string, value: string, names: readonly string[], hint: Child = null): Field<HTMLInputElement> {
  const id = "mailbox-names";
  const made = line(label, value, hint, { list: id });
  made.root.append(
    el(
      "datalist",
      { id },
      names.map((name) => el("option", { value: name })),
    ),
  );
  return made;
}

const rules: MakePage = async (desk) => {
  const [all, mailboxes] = await Promise.all([desk.client.destination_list(), desk.client.mailboxes()]);
  const chosen = all.find((one) => one.address === desk.path[0]) ?? all[0];
  if (chosen === undefined)
    return {
      title: t("Rules"),
      root: el(
        "div",
        { class: "page" },
        head(t("Rules"), ""),
        empty(filter, t("No address"), t("Rules belong to an address, and this account has none.")),
      ),
    };
  const editor = new Rules(
    desk,
    chosen,
    mailboxes.map((one) => one.name),
  );
  const root = el(
    "div",
    { class: "page" },
    head(t("Rules"), t("The first rule that matches is used."), all.length > 1 && pick(desk, all, chosen)),
    editor.root,
  );
  return { title: t("Rules"), root };
};

function pick(desk: Desk, all: readonly DestinationItem[], chosen: DestinationItem): HTMLElement {
  const list = choice(
    t("Address"),
    all.map((one) => [one.address, addressName(one)] as const),
    chosen.address,
  );
  list.control.addEventListener("change", () => desk.go(`#rules/${encodeURIComponent(list.control.value)}`));
  return list.root;
}

const fresh: Rule = {
  mailbox: "",
  smtp_mail_from_regexp: "",
  msg_from_regexp: "",
  verified_domain: "",
  headers_regexp: [],
  is_forward: false,
  list_allow_domain: "",
  accept_rejects_to_mailbox: "",
  comment: "",
};

/** The conditions of a rule in one line. */
function conditions(rule: Rule): string {
  return [
    rule.msg_from_regexp !== "" ? t("From matches {pattern}", { pattern: rule.msg_from_regexp }) : "",
    rule.smtp_mail_from_regexp !== ""
      ? t("envelope sender matches {pattern}", { pattern: rule.smtp_mail_from_regexp })
      : "",
    rule.verified_domain !== "" ? t("comes from {domain}", { domain: rule.verified_domain }) : "",
    ...rule.headers_regexp.map((one) => t("{name} matches {pattern}", { name: one.name, pattern: one.value })),
    rule.list_allow_domain !== "" ? t("list of {domain}", { domain: rule.list_allow_domain }) : "",
    rule.is_forward ? t("forwarded") : "",
  ]
    .filter((text) => text !== "")
    .join(", ");
}

/** The rules of an address: their order, the one that is edited, and a dry run. Nothing is saved before "Save". */
class Rules {
  readonly root = el("div", {});
  private readonly rules: Rule[];
  private readonly list = el("ol", { class: "rules", "aria-label": t("Rules, in their order") });
  private readonly editor = el("div", {});
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
    private readonly names: readonly string[],
  ) {
    this.rules = item.form.rulesets.map((rule) => ({ ...rule }));
    const add = button(t("New rule"), () => this.add(), { icon: plus });
    const test = button(t("Try it"), () => void this.tryIt());
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
      button(t("Show as Sieve"), () => void this.convert()),
      button(t("Undo changes"), () => void desk.refresh(), { kind: "text" }),
      this.error,
    );
    fill(
      this.root,
      card(
        t("Rules"),
        [
          this.list,
          el(
            "p",
            { class: "hint foot-note" },
            t("Drag, or press Alt and an arrow key, to change the order. Anything else goes to {mailbox}.", {
              mailbox: item.form.mailbox,
            }),
          ),
        ],
        { flush: true, actions: add },
      ),
      this.editor,
      this.bar,
      this.tried,
    );
    this.draw();
  }

  /** Show the rules as a Sieve script, which can be kept as one. */
  private async convert(): Promise<void> {
    const made: { found?: RulesAsSieve } = {};
    if (
      !(await attempt(
        t("Converting the rules"),
        async () => (made.found = await this.desk.client.rules_as_sieve(this.rules)),
      ))
    )
      return;
    const { script, left_out: leftOut } = made.found!;
    const keep = await dialog<boolean>(t("Your rules as Sieve"), (close) =>
      [
        el(
          "p",
          { class: "dialog-text" },
          t(
            "The script would decide about mail to all your addresses, after their rules. Keep it, then remove the rules here if you want to go on with the script.",
          ),
        ),
        leftOut.length > 0 &&
          notice(
            "warn",
            el(
              "ul",
              { class: "faults" },
              leftOut.map((one) => el("li", {}, t("Rule {number}: ", { number: one.rule + 1 }), foreign(one.reason))),
            ),
          ),
        el("pre", { class: "code-shown", tabindex: "0" }, script),
        el(
          "div",
          { class: "dialog-buttons" },
          el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Close")),
          el("button", { class: "btn primary", type: "button", onclick: () => close(true) }, t("Keep as a script")),
        ),
      ].filter((one): one is HTMLElement => one !== false),
    );
    if (keep !== true) return;
    const name = t("rules of {address}", { address: this.item.address });
    if (await attempt(t("Keeping the script"), () => this.desk.client.script_save(name, null, script, false)))
      this.desk.go(`#scripts/edit/${encodeURIComponent(name)}`);
  }

  private changed(): boolean {
    return JSON.stringify(this.rules) !== JSON.stringify(this.item.form.rulesets);
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
            t("A rule puts mail of a sender or list into a mailbox as it comes in. All mail goes to {mailbox} now.", {
              mailbox: this.item.form.mailbox,
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
      el(
        "b",
        {},
        brief(
          rule.comment !== ""
            ? rule.comment
            : rule.mailbox !== ""
              ? t("to {mailbox}", { mailbox: rule.mailbox })
              : t("new rule"),
        ),
      ),
      el("span", { class: "hint" }, brief(conditions(rule) || t("no condition yet"))),
      el("span", { class: "hint" }, "→ ", brief(rule.mailbox)),
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
        small("↑", t("Move up"), () => this.move(index, index - 1), index === 0),
        small("↓", t("Move down"), () => this.move(index, index + 1), index === this.rules.length - 1),
        small("×", t("Remove"), () => this.remove(index)),
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

  private add(): void {
    this.rules.push({ ...fresh });
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
    if (rule === undefined) {
      fill(this.editor);
      this.draw();
      return;
    }
    const put = (change: Partial<Rule>) => {
      Object.assign(rule, change);
      this.draw();
    };
    const text = (
      key: "msg_from_regexp" | "smtp_mail_from_regexp" | "verified_domain" | "list_allow_domain" | "comment",
      label: string,
      hint: string,
    ) => {
      const one = line(label, rule[key], hint);
      one.control.addEventListener("input", () => put({ [key]: one.control.value }));
      return this.named(key, one);
    };
    const box = (key: "mailbox" | "accept_rejects_to_mailbox", label: string, hint: string) => {
      const one = mailbox(label, rule[key], this.names, hint);
      one.control.addEventListener("input", () => put({ [key]: one.control.value }));
      return this.named(key, one);
    };
    const forward = tick(
      t("Forwarded mail"),
      rule.is_forward,
      t(
        "These come from a forwarding service at the verified domain, which is not judged itself. Needs an envelope sender and a verified domain.",
      ),
    );
    forward.control.addEventListener("change", () => put({ is_forward: forward.control.checked }));
    fill(
      this.editor,
      card(
        t("Rule {n}", { n: index + 1 }),
        el(
          "div",
          { class: "form" },
          el("h3", {}, t("When all of this holds")),
          text(
            "msg_from_regexp",
            t("From"),
            t("A pattern for the address in From, in lower case: @example\\.org$ for a domain."),
          ).root,
          text("verified_domain", t("Comes from the domain"), t("Proven by SPF or DKIM; subdomains count too.")).root,
          this.headers(rule, put),
          text(
            "smtp_mail_from_regexp",
            t("Envelope sender"),
            t("A pattern for the address that bounces go to; of use for lists and forwards."),
          ).root,
          el("h3", {}, t("Then")),
          box("mailbox", t("Put into"), t("It is made if it is not there yet.")).root,
          el(
            "details",
            {},
            el("summary", {}, t("For lists, forwards and refused mail")),
            el(
              "div",
              { class: "form gap" },
              text(
                "list_allow_domain",
                t("Mailing list of the domain"),
                t("All mail of this verified domain is accepted, without the junk filter."),
              ).root,
              this.named("is_forward", forward).root,
              box(
                "accept_rejects_to_mailbox",
                t("Take what would be refused, into"),
                t("Mail that would be refused is put here instead."),
              ).root,
            ),
          ),
          text("comment", t("Name of the rule"), t("For yourself.")).root,
        ),
      ),
    );
    this.draw();
  }

  private named<F extends { problem(text: string): void }>(key: string, one: F): F {
    this.fields[`rulesets[${this.open}].${key}`] = one;
    return one;
  }

  /** Patterns for header fields. */
  private headers(rule: Rule, put: (change: Partial<Rule>) => void): HTMLElement {
    const rows = el("div", { class: "form" });
    const error = el("span", { class: "error", hidden: true });
    this.named("headers_regexp", {
      problem: (text: string) => {
        error.hidden = text === "";
        fill(error, text);
      },
    });
    const draw = () =>
      fill(
        rows,
        rule.headers_regexp.map((one, index) => {
          const change = (other: Partial<typeof one>) =>
            put({ headers_regexp: rule.headers_regexp.map((old, i) => (i === index ? { ...old, ...other } : old)) });
          const name = line(t("Header field"), one.name, null, { placeholder: "^list-id$" });
          const value = line(t("Its value"), one.value);
          name.control.addEventListener("input", () => change({ name: name.control.value }));
          value.control.addEventListener("input", () => change({ value: value.control.value }));
          const drop = small("×", t("Remove this condition"), () => {
            put({ headers_regexp: rule.headers_regexp.filter((_, i) => i !== index) });
            draw();
          });
          return el("div", { class: "header-row" }, name.root, value.root, drop);
        }),
        el(
          "div",
          {},
          button(
            t("Header field matches…"),
            () => {
              put({ headers_regexp: [...rule.headers_regexp, { name: "", value: "" }] });
              draw();
            },
            { kind: "text small", icon: plus },
          ),
          error,
        ),
      );
    draw();
    return rows;
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
      this.complain(t("Mend what is marked in rule {n}; nothing was saved.", { n: Number(rule ?? 0) + 1 }));
    } catch (rest) {
      this.complain(messageOf(rest));
    }
  }

  private async save(): Promise<void> {
    this.complain("");
    try {
      await this.desk.client.destination_save(this.item.address, this.item.form, {
        ...this.item.form,
        rulesets: this.rules,
      });
    } catch (error) {
      if (codeOf(error) === "user:conflict") await this.conflict(error);
      else this.mistakes(error);
      return;
    }
    this.desk.say(t("Rules saved"));
    await this.desk.refresh();
  }

  /** Others have changed the rules: both versions are shown. */
  private async conflict(error: unknown): Promise<void> {
    const theirs = (await this.desk.client.destination_list()).find((one) => one.address === this.item.address);
    if (theirs === undefined) {
      this.complain(messageOf(error));
      return;
    }
    const version = (title: string, form: readonly Rule[], keep: HTMLElement) =>
      card(
        title,
        el(
          "ol",
          { class: "versions" },
          form.map((rule) =>
            el(
              "li",
              {},
              foreign(rule.comment || rule.mailbox),
              el("span", { class: "hint" }, " ", foreign(conditions(rule), 200)),
            ),
          ),
        ),
        { actions: keep },
      );
    const mine = button(t("Keep mine"), () => void this.force(theirs), {});
    const his = button(t("Keep the other"), () => void this.desk.refresh(), {});
    fill(
      this.tried,
      notice("warn", t("The settings of this address were changed meanwhile. Nothing was saved.")),
      el(
        "div",
        { class: "cols gap" },
        version(t("Yours"), this.rules, mine),
        version(t("As it is now"), theirs.form.rulesets, his),
      ),
    );
  }

  private async force(theirs: DestinationItem): Promise<void> {
    if (
      await attempt(t("Saving the rules"), () =>
        this.desk.client.destination_save(theirs.address, theirs.form, { ...theirs.form, rulesets: this.rules }),
      )
    )
      await this.desk.refresh();
  }

  /** Ask the server which rule would have taken the latest messages. */
  private async tryIt(): Promise<void> {
    this.complain("");
    fill(this.tried, notice("wait", t("Trying the rules on your mail…")));
    let found: TriedRules;
    try {
      found = await this.desk.client.rules_try(this.item.address, this.rules);
    } catch (error) {
      fill(this.tried);
      this.mistakes(error);
      return;
    }
    const taken = found.messages.filter((one) => one.rule !== null);
    const others = found.messages.length - taken.length;
    if (found.messages.length === 0) {
      fill(
        this.tried,
        notice("unknown", t("No mail has come to this address by SMTP yet, so there is nothing to try the rules on.")),
      );
      return;
    }
    fill(
      this.tried,
      card(
        t("Try it"),
        [
          !found.complete && notice("warn", t("The time was not enough for all messages.")),
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
          hint: t("Of the last {all} messages {taken} would go by a rule, {others} to {mailbox}. Nothing was moved.", {
            all: found.messages.length,
            taken: taken.length,
            others,
            mailbox: this.item.form.mailbox,
          }),
        },
      ),
    );
  }
}

function small(face: string, name: string, run: () => void, disabled = false): HTMLButtonElement {
  return el(
    "button",
    { class: "btn icon small", type: "button", title: name, "aria-label": name, disabled, onclick: run },
    face,
  );
}

export const pages: Readonly<Record<string, MakePage>> = { addresses, rules };
