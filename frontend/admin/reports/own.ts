// Our own reports: what is counted and waits for the night, addresses without reports; MTA-STS policies of other domains.

import type { Evaluated, KeptPolicy, PendingReport, WithoutReports } from "../../gen/admin";
import { attempt } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { choice, line } from "../../lib/fields";
import { clock, plus, send, shieldCheck, trash2 } from "../../lib/icons";
import { button, card, foreign, head, iconButton, table } from "../../lib/pages";
import { empty, mark, state } from "../../lib/states";
import { agoShort, microseconds, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { fieldDialog, typedAgain } from "../ui/shared";
import { count, type Kind, name, tabLinks } from "./shared";

const perPage = 50;

type Made = { title: string; root: HTMLElement };

/** Counts that wait for a report, and addresses without reports. */
export async function ownPage(desk: Desk): Promise<Made> {
  const [dmarc, tls, noDMARC, noTLS] = await Promise.all([
    desk.client.dmarc_pending(),
    desk.client.tlsrpt_pending(),
    desk.client.dmarc_suppress_list(),
    desk.client.tlsrpt_suppress_list(),
  ]);
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Reports"),
      t("Reports this server sends to other domains nightly."),
      button(t("Suppress an address"), () => void suppress(desk), { icon: plus }),
    ),
    tabLinks("own"),
    pendingCard(desk, "dmarc", t("DMARC: messages checked against other domains' policies"), dmarc),
    pendingCard(desk, "tls", t("TLS: sessions under other domains' policies"), tls),
    suppressedCard(desk, [
      ...noDMARC.map((row): Without => ({ kind: "dmarc", row })),
      ...noTLS.map((row): Without => ({ kind: "tls", row })),
    ]),
  );
  return { title: t("Our reports"), root };
}

function pendingCard(desk: Desk, kind: Kind, title: string, found: readonly PendingReport[]): HTMLElement {
  const nothing =
    kind === "dmarc"
      ? t("For domains that request DMARC reports (rua), mail is counted here until the report is sent.")
      : t("For domains that request TLS reports, sessions are counted here until the report is sent.");
  const now = async () => {
    let said = "";
    const done = await attempt(t("Sending reports…"), t("Couldn't send reports"), async () => {
      const sent = await (kind === "dmarc" ? desk.client.dmarc_send() : desk.client.tlsrpt_send());
      said = many(
        sent.due,
        "{n} report was due: {sent} sent, {skipped} not needed, {later} postponed",
        "{n} reports were due: {sent} sent, {skipped} not needed, {later} postponed",
        { sent: sent.sent, skipped: sent.skipped, later: sent.later },
      );
    });
    if (!done) return;
    desk.say(said);
    await desk.refresh();
  };
  const drop = async (row: PendingReport) => {
    const domain = row.about.split(" ")[0] ?? row.about;
    if (
      !(await typedAgain(
        t("Delete report data for {domain}?", { domain }),
        domain,
        t("The domain won't get a report for this data. You can't undo this."),
        t("Delete"),
      ))
    )
      return;
    if (
      await attempt(t("Deleting…"), t("Couldn't delete reports"), () =>
        kind === "dmarc" ? desk.client.dmarc_drop(domain) : desk.client.tlsrpt_drop(domain),
      )
    )
      await desk.refresh();
  };
  const list = table<PendingReport>(
    title,
    [
      {
        title: t("Domain"),
        kind: "main",
        cell: (row) =>
          kind === "dmarc"
            ? el("a", { href: addressOf("reports", ["own", row.about]) }, name(row.about))
            : name(row.about),
      },
      { title: t("Day"), cell: (row) => day(row.day) },
      { title: kind === "dmarc" ? t("Messages") : t("Sessions"), kind: "num", cell: (row) => count(row.total) },
      {
        title: kind === "dmarc" ? t("Failed") : t("Failed"),
        kind: "num",
        cell: (row) => (row.failed === 0 ? "0" : [mark("warn", t("check")), " ", count(row.failed)]),
      },
      {
        title: "",
        kind: "top",
        cell: (row) =>
          iconButton(t("Delete report data for {domain}", { domain: row.about }), trash2, () => void drop(row)),
      },
    ],
    found,
  );
  return card(title, found.length === 0 ? empty(clock, t("No pending reports"), nothing) : list, {
    flush: true,
    actions: found.length > 0 && button(t("Send due reports"), () => void now(), { icon: send, kind: "line small" }),
  });
}

/** yyyymmdd as a date. */
function day(text: string): string {
  return /^\d{8}$/.test(text) ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : text;
}

interface Without {
  readonly kind: Kind;
  readonly row: WithoutReports;
}

function suppressedCard(desk: Desk, found: readonly Without[]): HTMLElement {
  const remove = async ({ kind, row }: Without) => {
    if (
      !(await attempt(t("Removing…"), t("Couldn't remove address"), () =>
        kind === "dmarc"
          ? desk.client.dmarc_suppress_remove(row.address)
          : desk.client.tlsrpt_suppress_remove(row.address),
      ))
    )
      return;
    const days = Math.max(1, Math.round((microseconds(row.until) / 1000 - Date.now()) / 86_400_000));
    desk.say(t("Reports to {address} resumed", { address: row.address }), {
      title: t("Undo"),
      run: () =>
        void attempt(t("Undoing…"), t("Couldn't undo"), () =>
          without(desk, kind, row.address, Math.min(days, 3650), row.comment),
        ).then(() => desk.refresh()),
    });
    await desk.refresh();
  };
  const list = table<Without>(
    t("Addresses we don't send reports to"),
    [
      { title: t("Address"), kind: "main", cell: ({ row }) => name(row.address) },
      { title: t("Type"), cell: ({ kind }) => (kind === "dmarc" ? "DMARC" : "TLS") },
      { title: t("Reason"), cell: ({ row }) => (row.comment === "" ? name("") : foreign(row.comment, 160)) },
      { title: t("Until"), cell: ({ row }) => when(microseconds(row.until)) },
      {
        title: "",
        kind: "top",
        cell: (one) =>
          iconButton(
            t("Send reports to {address} again", { address: one.row.address }),
            trash2,
            () => void remove(one),
          ),
      },
    ],
    found,
  );
  return card(
    t("Addresses we don't send reports to"),
    found.length === 0
      ? el("p", { class: "hint" }, t("If an address rejects a report, we'll pause reports to it for a while."))
      : list,
    { flush: true },
  );
}

/** Send no reports to an address for some days. */
const without = (desk: Desk, kind: Kind, address: string, days: number, comment: string): Promise<null> =>
  kind === "dmarc"
    ? desk.client.dmarc_suppress_add(address, days * 86_400, comment)
    : desk.client.tlsrpt_suppress_add(address, days * 86_400, comment);

async function suppress(desk: Desk): Promise<void> {
  const address = line(t("Address"), "", null, { inputmode: "email" });
  const kind = choice(
    t("Reports"),
    [
      ["dmarc", "DMARC"],
      ["tls", "TLS"],
    ],
    "dmarc",
  );
  const days = line(t("Days"), "30", null, { inputmode: "numeric" });
  const comment = line(t("Reason"), "");
  const done = await fieldDialog(
    t("Stop reports to an address"),
    t("Suppress"),
    { address, kind, days, comment },
    async () => {
      const number = Number(days.control.value);
      if (!Number.isInteger(number) || number < 1 || number > 3650) {
        days.problem(t("Enter 1 to 3650 days."));
        throw new Error(t("Your changes weren't saved."));
      }
      await without(
        desk,
        kind.control.value === "tls" ? "tls" : "dmarc",
        address.control.value,
        number,
        comment.control.value,
      );
      return true;
    },
  );
  if (done !== null) await desk.refresh();
}

/** Messages that were judged by a domain's DMARC policy and wait for our report. */
export async function evaluationsPage(desk: Desk, domain: string): Promise<Made> {
  const after = Number(desk.address.query.get("after") ?? 0) || 0;
  const found = await desk.client.dmarc_evaluations(domain, after);
  const last = found.at(-1);
  const list = table<Evaluated>(
    t("Messages"),
    [
      { title: t("When"), kind: "main", cell: (row) => when(row.at) },
      { title: t("Address"), cell: (row) => name(row.source_ip) },
      {
        title: t("Passed"),
        cell: (row) =>
          row.dkim || row.spf
            ? state("ok", [row.dkim && "DKIM", row.spf && "SPF"].filter(Boolean).join(", "))
            : state("warn", t("no")),
      },
      {
        title: t("Result"),
        cell: (row) => [
          name(row.disposition),
          row.overrides.map((one) => el("div", { class: "hint" }, foreign(one, 120))),
        ],
      },
      {
        title: t("From"),
        cell: (row) => [
          name(row.header_from),
          el("div", { class: "hint" }, t("envelope:"), " ", name(row.envelope_from)),
        ],
      },
      { title: t("To"), cell: (row) => name(row.envelope_to) },
      {
        title: t("Policy"),
        cell: (row) => [
          el("code", {}, foreign(row.record, 80)),
          row.optional && el("div", { class: "hint" }, t("won't trigger a report on its own")),
        ],
      },
    ],
    found,
  );
  const root = el(
    "div",
    { class: "page" },
    head([t("Mail checked by"), " ", name(domain)], t("Included in the next DMARC report to this domain.")),
    tabLinks("own"),
    card("", found.length === 0 ? el("p", { class: "hint" }, t("No data left for this domain's report.")) : list, {
      flush: true,
    }),
    el(
      "div",
      { class: "pages" },
      el("a", { class: "btn line", href: "#reports/own" }, t("All domains")),
      last !== undefined &&
        found.length === perPage &&
        el(
          "a",
          { class: "btn line", href: addressOf("reports", ["own", domain], { after: String(last.id) }) },
          t("Next page"),
        ),
    ),
  );
  return { title: t("Mail checked by {domain}", { domain }), root };
}

function mode(row: KeptPolicy): HTMLElement {
  switch (row.mode) {
    case "enforce":
      return state("ok", t("enforced"));
    case "testing":
      return state("wait", t("testing"));
    case "none":
      return state("off", t("revoked"));
    case "":
      return state("warn", t("not fetched"));
    default:
      return el("span", {}, name(row.mode));
  }
}

/** The MTA-STS policies of other domains that are kept. */
export async function policiesPage(desk: Desk): Promise<Made> {
  const after = desk.address.query.get("after") ?? "";
  const found = await desk.client.mtasts_kept(after, perPage);
  const last = found.at(-1);
  const list = table<KeptPolicy>(
    t("Policies"),
    [
      { title: t("Domain"), kind: "main", cell: (row) => name(row.domain) },
      {
        title: t("Mode"),
        cell: (row) => [mode(row), row.failure !== "" && el("div", { class: "hint" }, foreign(row.failure, 120))],
      },
      {
        title: t("Mail hosts"),
        cell: (row) =>
          row.mx
            .slice(0, 5)
            .map((one) => el("div", {}, name(one)))
            .concat(
              row.mx.length > 5
                ? [el("div", { class: "hint" }, many(row.mx.length - 5, "and {n} more", "and {n} more"))]
                : [],
            ),
      },
      {
        title: t("Valid until"),
        cell: (row) => [
          when(row.valid_end),
          row.max_age > 0 && el("div", { class: "hint" }, t("for up to {time}", { time: agoShort(row.max_age * 1e6) })),
        ],
      },
      { title: t("Confirmed"), cell: (row) => when(row.last_update) },
      { title: t("Used"), cell: (row) => when(row.last_use) },
    ],
    found,
  );
  const root = el(
    "div",
    { class: "page" },
    head(t("Reports"), t("Policies for domains you send to. Mail is only sent to these hosts, and only over TLS.")),
    tabLinks("mta-sts"),
    card(
      "",
      found.length > 0
        ? list
        : after === ""
          ? empty(
              shieldCheck,
              t("No policies yet"),
              t("When you send to a domain with MTA-STS, the policy is saved here to prevent downgrade attacks."),
            )
          : el("p", { class: "hint" }, t("End of list.")),
      { flush: true },
    ),
    el(
      "div",
      { class: "pages" },
      after !== "" && el("a", { class: "btn line", href: "#reports/mta-sts" }, t("First page")),
      last !== undefined &&
        found.length === perPage &&
        el("a", { class: "btn line", href: addressOf("reports", ["mta-sts"], { after: last.domain }) }, t("Next page")),
    ),
  );
  return { title: t("MTA-STS policies"), root };
}
