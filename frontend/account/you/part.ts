// The account itself: its name, its addresses with their settings, and its state.

import type { DestinationChange, DestinationItem } from "../../gen/account";
import { el } from "../../lib/dom";
import { atFields, form, line } from "../../lib/fields";
import { card, head } from "../../lib/pages";
import { state } from "../../lib/states";
import { mailboxName, many, t } from "../../lib/words";
import { mailbox } from "../rules/fields";
import type { Desk, MakePage } from "../ui/page";
import { addressName } from "../ui/program";
import { ownSettings } from "./own";
import { lists, notices, storage } from "./state";

const addresses: MakePage = async (desk) => {
  const [all, mailboxes] = await Promise.all([desk.client.account_rule_list(), desk.client.mailboxes()]);
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
  const [own, found] = await Promise.all([desk.client.settings(), desk.client.overview()]);
  const off = new Set(found.addresses.filter((one) => one.domain_disabled).map((one) => one.address));
  const root = el(
    "div",
    { class: "page" },
    head(t("Addresses"), t("To add or remove addresses, contact your administrator.")),
    ...(await notices(found)),
    card("", ownSettings(desk, own)),
    card(
      t("Addresses"),
      el(
        "ul",
        { class: "lines" },
        all.map((one) => addressLine(one, off.has(one.address))),
      ),
      { flush: true },
    ),
    lists(found),
    storage(found),
  );
  return { title: t("Addresses"), root };
};

function above(href: string, title: string): HTMLElement {
  return el("p", { class: "hint" }, el("a", { href }, title), " /");
}

function addressLine(one: DestinationItem, off: boolean): HTMLElement {
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
        ` ${one.form.smtp_error === "" ? t("move to {mailbox}", { mailbox: mailboxName(one.form.mailbox) }) : ""}`,
      ),
    ),
    off && state("off", t("domain disabled")),
    one.form.smtp_error !== "" && state("off", t("rejects all mail")),
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
  const box = mailbox(t("Default folder"), old.mailbox, names, t("For mail that doesn't match a rule."));
  const name = line(t("Display name"), old.full_name, t("Leave blank to use your own name."));
  const refuse = line(
    t("Reject all mail with this reply"),
    old.smtp_error,
    t(
      "421 or 550, a space, and text. For example, “550 this address is no longer in use”. Leave blank to accept mail.",
    ),
  );
  const proof = line(
    t("Reject unverified senders with this message"),
    old.message_auth_required_smtp_error,
    t("Applies to mail without valid DMARC, DKIM, or SPF. Leave blank to filter this mail as usual."),
  );
  const refused = line(
    t("Rejected addresses"),
    old.refused_addresses.join(" "),
    t("Variants of your addresses to reject, separated by spaces. For example, you+shop@example.org"),
  );
  const box2 = form([box.root, name.root, refuse.root, proof.root, refused.root], t("Save"), async () => {
    const changed: DestinationChange = {
      mailbox: box.control.value,
      full_name: name.control.value,
      smtp_error: refuse.control.value,
      message_auth_required_smtp_error: proof.control.value,
      refused_addresses: refused.control.value.split(/\s+/).filter((word) => word !== ""),
    };
    try {
      await desk.client.account_rule_set(one.address, changed, old);
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
    el("p", { class: "hint gap" }, el("a", { href: `#rules/${encodeURIComponent(one.address)}` }, t("Address rules"))),
  ]);
}

export const pages: Readonly<Record<string, MakePage>> = { addresses };
