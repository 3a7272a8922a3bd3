// The overview: addresses, mailing lists, storage, and the settings for mail programs.

import type { Address, MailServer, MailingList, Overview, Program } from "../gen/account";
import { el } from "../lib/dom";
import { smartphone } from "../lib/icons";
import { size } from "../lib/numbers";
import { button, card, copyable, head, meter, pairs } from "../lib/pages";
import { state } from "../lib/states";
import { many, t } from "../lib/words";
import type { Desk } from "./page";

const securities: Readonly<Record<MailServer["security"], string>> = { tls: "TLS", starttls: "STARTTLS", plain: t("not encrypted") };

/** The overview page. */
export async function overviewPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.overview();
  const device = button(t("Set up a device"), () => desk.go("#device"), { kind: "primary", icon: smartphone });
  const root = el(
    "div",
    { class: "page" },
    head(t("Your account"), ""),
    storage(found),
    card(t("On your phone or computer"), [el("p", { class: "two" }, t("“Set up a device” does this for you. To do it by hand, use:")), el("div", { class: "gap" }, byHand(found.program))], {
      actions: device,
      hint: found.app_passwords_required ? t("Mail programs need an app password here, one for each.") : null,
    }),
    card(t("Addresses"), el("ul", { class: "lines" }, found.addresses.map(address)), { flush: true }),
    found.lists.length > 0 && card(t("Mailing lists that you are in"), el("ul", { class: "lines" }, found.lists.map(list)), { flush: true }),
  );
  return { title: t("Overview"), root };
}

/** The settings of a mail program, each with a button that copies it. */
export function byHand(program: Program): HTMLElement {
  if (program.imap.length === 0 && program.submission.length === 0)
    return el("p", { class: "hint" }, t("This server offers no mail programs a way in: neither IMAP nor submission is switched on."));
  return pairs([
    [t("Incoming (IMAP)"), servers(program.imap)],
    [t("Outgoing (SMTP)"), servers(program.submission)],
    [t("User name"), copyable(program.username)],
    [t("Password"), el("span", {}, t("an app password, one for each program. "), el("a", { href: "#security" }, t("Make one")))],
  ]);
}

function servers(all: readonly MailServer[]): HTMLElement[] | string {
  if (all.length === 0) return t("not offered");
  return all.map((one) =>
    el("div", { class: "flex wrap" }, copyable(one.host), el("span", { class: "hint" }, t("port {port}, {security}", { port: String(one.port), security: securities[one.security] }))),
  );
}

function storage(found: Overview): HTMLElement {
  const values = { used: size(found.storage_used), limit: size(found.storage_limit) };
  const text = found.storage_limit === 0 ? t("{used} used, no limit", values) : t("{used} of {limit} used", values);
  return card(t("Storage"), [found.storage_limit !== 0 && meter(found.storage_used / found.storage_limit), el("p", { class: "hint gap" }, many(found.messages, "{n} message", "{n} messages"))], {
    actions: el("span", { class: "muted" }, text),
  });
}

/** The name of an address for people: a catchall is everything else of its domain. */
export function addressName(one: { address: string }): string {
  return one.address.startsWith("@") ? t("Everything else at {domain}", { domain: one.address.slice(1) }) : one.address;
}

function address(one: Address): HTMLElement {
  const about = [
    one.mailbox === "Inbox" ? "" : t("to {mailbox}", { mailbox: one.mailbox }),
    one.rules === 0 ? "" : many(one.rules, "{n} rule", "{n} rules"),
    one.full_name,
  ].filter((text) => text !== "");
  return el(
    "li",
    {},
    el("span", { class: "grow" }, el("a", { class: "name", href: `#addresses/${encodeURIComponent(one.address)}` }, el("bdi", {}, addressName(one))), about.length > 0 && el("span", { class: "hint" }, ` ${about.join(" · ")}`)),
    one.domain_disabled && state("off", t("domain switched off")),
    one.refused !== "" && state("off", t("refuses all mail")),
  );
}

function list(one: MailingList): HTMLElement {
  const about = [one.public ? t("everyone may write to it") : t("only members may write to it"), one.may_send ? t("you may send as it") : ""].filter((text) => text !== "");
  const members = one.members_shown ? one.members.join(", ") : t("its members are not shown");
  return el("li", {}, el("span", { class: "grow" }, el("b", {}, el("bdi", {}, one.address)), el("span", { class: "hint" }, ` ${about.join(", ")}`), el("br"), el("span", { class: "hint" }, el("bdi", {}, members))));
}
