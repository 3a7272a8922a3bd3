// The state of the account: notices, storage, mailing lists.

import type { MailingList, OldPattern, Overview, SortingNotices } from "../../gen/account";
import { el, placed } from "../../lib/dom";
import type { Told } from "../../lib/language";
import { size } from "../../lib/numbers";
import { card, foreign, meter } from "../../lib/pages";
import { inWord } from "../../lib/remarks";
import { sentence } from "../../lib/sentence";
import { notice } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { many, t, told } from "../../lib/words";

/** Above the addresses: what goes on with this account's mail, and needs its owner. */
export async function notices(found: Overview): Promise<HTMLElement[]> {
  const failed = found.sorting.failure;
  return [
    ...sorting(found.sorting, failed === null ? "" : (await inWord(failed.text)).message),
    ...(await Promise.all(found.old_patterns.map(oldPattern))),
  ];
}

/** The mailing lists that the account is a member of. */
export function lists(found: Overview): HTMLElement | false {
  return (
    found.lists.length > 0 &&
    card(t("Your mailing lists"), el("ul", { class: "lines" }, found.lists.map(list)), { flush: true })
  );
}

/** A pattern that never matches, and could not be saved anew (STORE-162). */
async function oldPattern(one: OldPattern): Promise<HTMLElement> {
  const { message } = await told(one.remark as Told);
  const [text, page, title] =
    one.address === ""
      ? [t("Problem with a junk folder pattern: {reason}."), "junk", t("Junk")]
      : [
          t("Problem with a pattern in the rules for {address}: {reason}.", { address: one.address }),
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
    lines.push(notice("warn", foreign(sentence(why), 300), link("forwarding", t("Forwarding"))));
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
        placed(t("Forwarding to {address} stopped after 3 days of bounces. You'll find your mail here."), {
          address: foreign(address, 100),
        }),
        link("forwarding", t("Forwarding")),
      ),
    );
  return lines;
}

/** How much is stored, of how much. */
export function storage(found: Overview): HTMLElement {
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
