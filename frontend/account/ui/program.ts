// What several pages show of addresses and of the settings for mail programs.

import type { MailServer, Program } from "../../gen/account";
import { el } from "../../lib/dom";
import { copyable, pairs } from "../../lib/pages";
import { t } from "../../lib/words";

const securities: Readonly<Record<MailServer["security"], string>> = {
  tls: "TLS",
  starttls: "STARTTLS",
  plain: t("not encrypted"),
};

/** The settings of a mail program, each with a button that copies it. */
export function byHand(program: Program): HTMLElement {
  if (program.imap.length === 0 && program.submission.length === 0)
    return el("p", { class: "hint" }, t("Mail apps can't connect to this server. IMAP and submission are turned off."));
  return pairs([
    [t("Incoming (IMAP)"), servers(program.imap)],
    [t("Outgoing (SMTP)"), servers(program.submission)],
    ...(program.jmap === "" ? [] : [["JMAP", copyable(program.jmap)] as const]),
    [t("Username"), copyable(program.username)],
    [
      t("Password"),
      el("span", {}, t("a separate app password for each app."), " ", el("a", { href: "#security" }, t("Create one"))),
    ],
  ]);
}

function servers(all: readonly MailServer[]): HTMLElement[] | string {
  if (all.length === 0) return t("not available");
  return all.map((one) =>
    el(
      "div",
      { class: "flex wrap" },
      copyable(one.host),
      el(
        "span",
        { class: "hint" },
        t("port {port}, {security}", { port: String(one.port), security: securities[one.security] }),
      ),
    ),
  );
}

/** The name of an address for people: a catchall is everything else of its domain. */
export function addressName(one: { address: string }): string {
  return one.address.startsWith("@")
    ? t("All other addresses at {domain}", { domain: one.address.slice(1) })
    : one.address;
}
