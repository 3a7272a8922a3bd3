// The fields of one rule, and a rule in words.

import type { Rule } from "../../gen/account";
import { type Child, el, fill, sign } from "../../lib/dom";
import { type Field, line, tick } from "../../lib/fields";
import { plus, x } from "../../lib/icons";
import { button, card } from "../../lib/pages";
import { t } from "../../lib/words";

export const fresh: Rule = {
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

/** A field for the name of a mailbox, with the known ones to choose from. */
export function mailbox(
  label: string,
  value: string,
  names: readonly string[],
  hint: Child = null,
): Field<HTMLInputElement> {
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

/** The conditions of a rule in one line. */
export function conditions(rule: Rule): string {
  return [
    rule.msg_from_regexp !== "" ? t("From matches {pattern}", { pattern: rule.msg_from_regexp }) : "",
    rule.smtp_mail_from_regexp !== ""
      ? t("envelope sender matches {pattern}", { pattern: rule.smtp_mail_from_regexp })
      : "",
    rule.verified_domain !== "" ? t("from verified domain {domain}", { domain: rule.verified_domain }) : "",
    ...rule.headers_regexp.map((one) => t("{name} matches {pattern}", { name: one.name, pattern: one.value })),
    rule.list_allow_domain !== "" ? t("mailing list at {domain}", { domain: rule.list_allow_domain }) : "",
    rule.is_forward ? t("forwarded") : "",
  ]
    .filter((text) => text !== "")
    .join(", ");
}

export function small(path: string, name: string, run: () => void, disabled = false): HTMLButtonElement {
  return el(
    "button",
    { class: "btn icon small", type: "button", title: name, "aria-label": name, disabled, onclick: run },
    sign(path, "i s"),
  );
}

/** Changes some fields of the rule. */
type Put = (change: Partial<Rule>) => void;

/** Notes a field by its key, for mistakes that the server tells. */
type Named = <F extends { problem(text: string): void }>(key: string, one: F) => F;

/** The card with all fields of a rule, the one with this number. */
export function ruleFields(number: number, rule: Rule, names: readonly string[], put: Put, named: Named): HTMLElement {
  const text = (
    key: "msg_from_regexp" | "smtp_mail_from_regexp" | "verified_domain" | "list_allow_domain" | "comment",
    label: string,
    hint: string,
  ) => {
    const one = line(label, rule[key], hint);
    one.control.addEventListener("input", () => put({ [key]: one.control.value }));
    return named(key, one);
  };
  const box = (key: "mailbox" | "accept_rejects_to_mailbox", label: string, hint: string) => {
    const one = mailbox(label, rule[key], names, hint);
    one.control.addEventListener("input", () => put({ [key]: one.control.value }));
    return named(key, one);
  };
  const forward = tick(
    t("Forwarded mail"),
    rule.is_forward,
    t(
      "For mail from a forwarding service at the verified domain. The service itself won't be classified. Requires an envelope sender and a verified domain.",
    ),
  );
  forward.control.addEventListener("change", () => put({ is_forward: forward.control.checked }));
  return card(
    t("Rule {n}", { n: number }),
    el(
      "div",
      { class: "form" },
      el("h3", {}, t("If all of these match")),
      text(
        "msg_from_regexp",
        t("From"),
        t("Pattern for the From address, in lowercase. For a domain, use @example\\.org$."),
      ).root,
      text("verified_domain", t("Verified domain"), t("Verified by SPF or DKIM. Includes subdomains.")).root,
      headers(rule, put, named),
      text(
        "smtp_mail_from_regexp",
        t("Envelope sender"),
        t("Pattern for the bounce address. Useful for lists and forwarding."),
      ).root,
      el("h3", {}, t("Then")),
      box("mailbox", t("Move to"), t("Created if it doesn't exist.")).root,
      el(
        "details",
        {},
        el("summary", {}, t("For lists, forwarding, and rejected mail")),
        el(
          "div",
          { class: "form gap" },
          text(
            "list_allow_domain",
            t("Mailing list domain"),
            t("Mail from this verified domain skips the junk filter."),
          ).root,
          named("is_forward", forward).root,
          box("accept_rejects_to_mailbox", t("Move rejected mail to"), t("Mail goes here instead of being rejected."))
            .root,
        ),
      ),
      text("comment", t("Rule name"), t("Only you see this.")).root,
    ),
  );
}

/** Patterns for header fields. */
function headers(rule: Rule, put: Put, named: Named): HTMLElement {
  const rows = el("div", { class: "form" });
  const error = el("span", { class: "error", hidden: true });
  named("headers_regexp", {
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
        const value = line(t("Value"), one.value);
        name.control.addEventListener("input", () => change({ name: name.control.value }));
        value.control.addEventListener("input", () => change({ value: value.control.value }));
        const drop = small(x, t("Remove condition"), () => {
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
