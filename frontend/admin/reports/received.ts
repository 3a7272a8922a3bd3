// Reports that other servers have sent: sums by domain, lists, and single reports.

import type { DMARCRecord, Judgement, ReceivedReport, TLSFailure, TLSPolicy, Total } from "../../gen/admin";
import { el, type Child } from "../../lib/dom";
import { card, foreign, head, pairs, table, visible } from "../../lib/pages";
import { mark, notice, state } from "../../lib/states";
import { when } from "../../lib/times";
import { many, t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { count, type Kind, month, name, noReports, tabLinks } from "./shared";

const perPage = 50;

type Made = { title: string; root: HTMLElement };

const titles = { dmarc: t("DMARC reports"), tls: t("TLS reports") };

/** Sums by domain, and the newest reports. */
export async function receivedPage(desk: Desk, kind: Kind): Promise<Made> {
  const query = desk.address.query;
  const domain = query.get("domain") ?? "";
  const before = query.get("before");
  const [totals, lines, places] = await Promise.all([
    desk.client.reports_summary(kind, month),
    desk.client.reports_list(kind, domain, 400, before === null ? undefined : Number(before), 50),
    desk.client.report_places(),
  ]);
  const last = lines.at(-1);
  const next =
    last !== undefined && lines.length === perPage
      ? addressOf("reports", [kind], { domain, before: String(last.id) })
      : "";
  const body =
    lines.length === 0
      ? domain === "" && before === null
        ? noReports(kind, places)
        : el(
            "p",
            { class: "hint" },
            domain === "" ? t("No older reports.") : t("No reports about {domain}.", { domain: visible(domain) }),
          )
      : list(kind, lines);
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Reports"),
      kind === "dmarc"
        ? t("Reports from other servers about mail that claims to be from your domains.")
        : t("Reports from other servers about TLS connections to you."),
    ),
    tabLinks(kind),
    totals.length > 0 &&
      card(t("By domain"), sums(kind, totals), {
        flush: true,
        hint: t("Reports from the last {n} days", { n: month }),
      }),
    card(
      domain === "" ? titles[kind] : t("{what} about {domain}", { what: titles[kind], domain: visible(domain) }),
      body,
      {
        flush: true,
        actions:
          domain !== "" && el("a", { class: "btn line small", href: addressOf("reports", [kind]) }, t("All domains")),
      },
    ),
    el(
      "div",
      { class: "pages" },
      before !== null &&
        el("a", { class: "btn line", href: addressOf("reports", [kind], { domain }) }, t("First page")),
      next !== "" && el("a", { class: "btn line", href: next }, t("Next page")),
    ),
  );
  return { title: titles[kind], root };
}

function sums(kind: Kind, totals: readonly Total[]): HTMLElement {
  return table<Total>(
    t("Totals by domain"),
    [
      {
        title: t("Domain"),
        kind: "main",
        cell: (row) => el("a", { href: addressOf("reports", [kind], { domain: row.domain }) }, name(row.domain)),
      },
      { title: t("Reports"), kind: "num", cell: (row) => count(row.reports) },
      {
        title: kind === "dmarc" ? t("Messages") : t("Sessions with TLS"),
        kind: "num",
        cell: (row) => count(row.total),
      },
      { title: kind === "dmarc" ? t("Failed") : t("Failed"), kind: "num", cell: (row) => failures(row.failed) },
      { title: t("Last period ends"), cell: (row) => when(row.last) },
      {
        title: "",
        kind: "top",
        cell: (row) =>
          kind === "dmarc" &&
          el("a", { class: "btn line small", href: addressOf("reports", ["sources", row.domain]) }, t("Sources")),
      },
    ],
    totals,
  );
}

function failures(number: number): Child {
  return number === 0 ? "0" : [mark("warn", t("check")), " ", count(number)];
}

function list(kind: Kind, lines: readonly ReceivedReport[]): HTMLElement {
  return table<ReceivedReport>(
    titles[kind],
    [
      {
        title: t("From"),
        kind: "main",
        cell: (row) => [
          el("a", { href: addressOf("reports", [kind, String(row.id)]) }, name(row.organization)),
          row.sender !== row.organization && el("div", { class: "hint" }, t("sent by"), " ", name(row.sender)),
        ],
      },
      { title: t("Target"), cell: (row) => name(row.domain) },
      { title: t("Period"), cell: (row) => [when(row.begin), " – ", when(row.end)] },
      {
        title: kind === "dmarc" ? t("Messages") : t("Sessions with TLS"),
        kind: "num",
        cell: (row) => count(row.total),
      },
      { title: kind === "dmarc" ? t("Failed") : t("Failed"), kind: "num", cell: (row) => failures(row.failed) },
      { title: t("Received"), cell: (row) => when(row.received) },
    ],
    lines,
  );
}

function facts(kind: Kind, report: ReceivedReport): [string, Child][] {
  return [
    [t("Target"), el("a", { href: addressOf("reports", [kind], { domain: report.domain }) }, name(report.domain))],
    [t("Period"), [when(report.begin), " – ", when(report.end)]],
    [t("Received"), [when(report.received), ", ", t("in an email from"), " ", name(report.sender)]],
    [t("Report ID"), name(report.report_id)],
  ];
}

/** A DMARC report with a page of its records. */
export async function dmarcReportPage(desk: Desk, number: number): Promise<Made> {
  const first = Math.max(0, Number(desk.address.query.get("first") ?? 0) || 0);
  const found = await desk.client.dmarc_report(number, first);
  const { report } = found;
  const at = (place: number) =>
    addressOf("reports", ["dmarc", String(number)], { first: place === 0 ? "" : String(place) });
  const end = first + found.page.length;
  const root = el(
    "div",
    { class: "page" },
    head([t("DMARC report from"), " ", name(report.organization || report.sender)], null),
    tabLinks("dmarc"),
    found.errors.length > 0 &&
      notice("warn", [t("Errors from the reporter:"), " ", found.errors.map((one) => [foreign(one, 200), " "])]),
    card(
      "",
      pairs([
        ...facts("dmarc", report),
        [
          t("Published policy"),
          found.policy.length === 0 ? t("(none)") : el("code", {}, el("bdi", {}, found.policy.join("; "))),
        ],
        [t("Contact"), [name(found.email), found.contact !== "" && [", ", foreign(found.contact, 120)]]],
        [t("Messages"), count(report.total)],
        [t("Failed"), failures(report.failed)],
      ]),
    ),
    card(
      t("Records"),
      found.page.length === 0 ? el("p", { class: "hint" }, t("No records in this report.")) : records(found.page),
      { flush: true, hint: many(found.records, "{n} record", "{n} records") },
    ),
    el(
      "div",
      { class: "pages" },
      first > 0 && el("a", { class: "btn line", href: at(Math.max(0, first - perPage)) }, t("Earlier records")),
      end < found.records && el("a", { class: "btn line", href: at(end) }, t("More records")),
    ),
  );
  return { title: t("DMARC report"), root };
}

function records(page: readonly DMARCRecord[]): HTMLElement {
  const judged = (results: readonly Judgement[]) =>
    results.map((one) =>
      el(
        "div",
        { class: "hint" },
        name(one.domain),
        one.about !== "" && [" ", name(one.about)],
        ": ",
        name(one.result),
        one.text !== "" && [", ", foreign(one.text, 100)],
      ),
    );
  return table<DMARCRecord>(
    t("Records"),
    [
      { title: t("Address"), kind: "main", cell: (row) => name(row.source_ip) },
      { title: t("Messages"), kind: "num", cell: (row) => count(row.count) },
      {
        title: t("Passed"),
        cell: (row) => (row.dkim === "pass" || row.spf === "pass" ? state("ok", t("yes")) : state("warn", t("no"))),
      },
      { title: "DKIM", cell: (row) => [name(row.dkim), judged(row.dkim_results)] },
      { title: "SPF", cell: (row) => [name(row.spf), judged(row.spf_results)] },
      {
        title: t("Result"),
        cell: (row) => [
          name(row.disposition),
          row.reasons.map((one) => el("div", { class: "hint" }, foreign(one, 120))),
        ],
      },
      {
        title: t("From"),
        cell: (row) => [
          name(row.header_from),
          row.envelope_to !== "" && el("div", { class: "hint" }, t("to"), " ", name(row.envelope_to)),
        ],
      },
    ],
    page,
  );
}

/** A TLS report about one domain. */
export async function tlsReportPage(desk: Desk, number: number): Promise<Made> {
  const found = await desk.client.tls_report(number);
  const { report } = found;
  const root = el(
    "div",
    { class: "page" },
    head([t("TLS report from"), " ", name(report.organization || report.sender)], null),
    tabLinks("tls"),
    card(
      "",
      pairs([
        ...facts("tls", report),
        [t("Contact"), name(found.contact)],
        [t("Sessions with TLS"), count(report.total)],
        [t("Failed"), failures(report.failed)],
      ]),
    ),
    found.policies.map((one) =>
      card(t("Policy: {type}", { type: policyWords[one.type] ?? visible(one.type) }), policy(one)),
    ),
  );
  return { title: t("TLS report"), root };
}

/** Types of policies (RFC 8460 §4.2); others are shown as they are. */
const policyWords: Readonly<Record<string, string>> = {
  sts: t("MTA-STS"),
  tlsa: t("DANE"),
  "no-policy-found": t("not found"),
};

function policy(one: TLSPolicy): Child {
  return [
    pairs([
      [t("Domain"), name(one.domain)],
      [t("Mail hosts"), one.mx.length === 0 ? name("") : one.mx.map((host) => el("div", {}, name(host)))],
      [
        t("As seen by the reporter"),
        one.strings.length === 0
          ? name("")
          : one.strings.map((text) => el("div", {}, el("code", {}, foreign(text, 200)))),
      ],
      [t("Sessions with TLS"), count(one.successes)],
      [t("Failed"), failures(one.failed)],
    ]),
    one.failures.length > 0 &&
      table<TLSFailure>(
        t("Failures"),
        [
          {
            title: t("Failure"),
            kind: "main",
            cell: (row) => [
              name(row.type),
              row.reason !== "" && el("div", { class: "hint" }, foreign(row.reason, 160)),
              row.information !== "" && el("div", { class: "hint" }, foreign(row.information, 160)),
            ],
          },
          { title: t("Sessions"), kind: "num", cell: (row) => count(row.sessions) },
          { title: t("Sent from"), cell: (row) => name(row.sending_ip) },
          {
            title: t("To"),
            cell: (row) => [
              name(row.host),
              row.receiving_ip !== "" && el("div", { class: "hint" }, name(row.receiving_ip)),
            ],
          },
        ],
        one.failures,
      ),
    one.more > 0 &&
      el("p", { class: "hint" }, many(one.more, "and {n} more failure type", "and {n} more failure types")),
  ];
}
