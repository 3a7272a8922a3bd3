// The overview: addresses, mailing lists, storage, and the settings for mail programs.

import type { Address, MailingList, OldPattern, Overview, SortingNotices } from "../gen/account";
import { el, placed } from "../lib/dom";
import type { Told } from "../lib/language";
import { smartphone } from "../lib/icons";
import { size } from "../lib/numbers";
import { button, card, foreign, head, meter } from "../lib/pages";
import { inWord } from "../lib/remarks";
import { notice, state } from "../lib/states";
import { microseconds, when } from "../lib/times";
import { many, t, told } from "../lib/words";
import type { Desk } from "./ui/page";
import { addressName, byHand } from "./ui/program";

/** The overview page. */
export async function overviewPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.overview();
  const failed = found.sorting.failure;
  const device = button(t("Set up a device"), () => desk.go("#device"), { kind: "primary", icon: smartphone });
  const root = el(
    "div",
    { class: "page" },
    head(t("Your account"), ""),
    ...sorting(found.sorting, failed === null ? "" : (await inWord(failed.text)).message),
    ...(await Promise.all(found.old_patterns.map(oldPattern))),
    storage(found),
    card(
      t("On your phone or computer"),
      [
        el("p", { class: "two" }, t("To set up a device automatically, use “Set up a device”. For manual setup, use:")),
        el("div", { class: "gap" }, byHand(found.program)),
      ],
      {
        actions: device,
        hint: found.app_passwords_required ? t("Use a separate app password for each mail app.") : null,
      },
    ),
    card(t("Addresses"), el("ul", { class: "lines" }, found.addresses.map(address)), { flush: true }),
    found.lists.length > 0 &&
      card(t("Your mailing lists"), el("ul", { class: "lines" }, found.lists.map(list)), { flush: true }),
  );
  return { title: t("Overview"), root };
}

/** A pattern that never matches, and could not be saved anew (STORE-162). */
async function oldPattern(one: OldPattern): Promise<HTMLElement> {
  const { message } = await told(one.remark as Told);
  const [text, page, title] =
    one.address === ""
      ? [t("Rewrite a junk folder pattern. The current one {reason}."), "junk", t("Junk")]
      : [
          t("Rewrite a pattern in the rules for {address}. The current one {reason}.", { address: one.address }),
          `rules/${encodeURIComponent(one.address)}`,
          t("Rules"),
        ];
  return notice("warn", placed(text, { reason: foreign(message, 600) }), el("a", { href: `#${page}` }, title));
}

/** Answers that are being sent, the newest error of sorting, and forwarding that was stopped (WEB-158b). `why`: what the error says. */
function sorting(found: SortingNotices, why: string): HTMLElement[] {
  const link = (page: string, title: string) => el("a", { href: `#${page}` }, title);
  const lines: HTMLElement[] = [];
  if (found.away)
    lines.push(
      notice(
        "wait",
        found.away_until === null
          ? t("Vacation reply is on.")
          : placed(t("Vacation reply is on until {time}."), { time: when(microseconds(found.away_until)) }),
        link("away", t("Manage")),
      ),
    );
  const failure = found.failure;
  if (failure?.script === "")
    lines.push(notice("warn", [t("Message kept:"), " ", foreign(why, 300)], link("forwarding", t("Forwarding"))));
  else if (failure != null) {
    const text =
      failure.line > 0
        ? t("Your script failed in line {line}: {reason}.", { line: failure.line })
        : t("Your script failed: {reason}.");
    lines.push(
      notice(
        "warn",
        [placed(text, { reason: foreign(why, 300) }), " ", t("You'll find the message in your Inbox.")],
        link("scripts", t("Sieve scripts")),
      ),
    );
  }
  for (const address of found.stopped)
    lines.push(
      notice(
        "warn",
        placed(t("Forwarding to {address} stopped after 3 days of bounces. Your mail is kept here."), {
          address: foreign(address, 100),
        }),
        link("forwarding", t("Forwarding")),
      ),
    );
  return lines;
}

function storage(found: Overview): HTMLElement {
  const values = { used: size(found.storage_used), limit: size(found.storage_limit) };
  const text = found.storage_limit === 0 ? t("{used} used, no limit", values) : t("{used} of {limit} used", values);
  return card(
    t("Storage"),
    [
      found.storage_limit !== 0 && meter(found.storage_used / found.storage_limit),
      el("p", { class: "hint gap" }, many(found.messages, "{n} message", "{n} messages")),
    ],
    {
      actions: el("span", { class: "muted" }, text),
    },
  );
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
    el(
      "span",
      { class: "grow" },
      el(
        "a",
        { class: "name", href: `#addresses/${encodeURIComponent(one.address)}` },
        el("bdi", {}, addressName(one)),
      ),
      about.length > 0 && el("span", { class: "hint" }, ` ${about.join(" · ")}`),
    ),
    one.domain_disabled && state("off", t("domain turned off")),
    one.refused !== "" && state("off", t("rejects all mail")),
  );
}

function list(one: MailingList): HTMLElement {
  const about = [
    one.public ? t("anyone can post") : t("only members can post"),
    one.may_send ? t("you can send from this address") : "",
  ].filter((text) => text !== "");
  const members = one.members_shown ? one.members.join(", ") : t("members hidden");
  return el(
    "li",
    {},
    el(
      "span",
      { class: "grow" },
      el("b", {}, el("bdi", {}, one.address)),
      el("span", { class: "hint" }, ` ${about.join(", ")}`),
      el("br"),
      el("span", { class: "hint" }, el("bdi", {}, members)),
    ),
  );
}
