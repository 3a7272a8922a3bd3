// Who sends in the name of a domain, from DMARC reports, and whether p=reject would hurt.

import type { Source, SourceReport } from "../../gen/admin";
import { type Child, el } from "../../lib/dom";
import { card, head, table } from "../../lib/pages";
import { notice, state } from "../../lib/states";
import { when } from "../../lib/times";
import { many, t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { answer } from "../ui/reject";
import { count, month, name, noReports, tabLinks } from "./shared";

type Made = { title: string; root: HTMLElement };

/** The domains with reports; with only one, its sources. */
export async function sourcesPage(desk: Desk): Promise<Made> {
  const [totals, places] = await Promise.all([
    desk.client.reports_summary("dmarc", month),
    desk.client.report_places(),
  ]);
  const only = totals[0];
  if (only !== undefined && totals.length === 1) return sourcePage(desk, only.domain);
  const list = table(
    t("Domains"),
    [
      {
        title: t("Domain"),
        kind: "main",
        cell: (row) => el("a", { href: addressOf("reports", ["sources", row.domain]) }, name(row.domain)),
      },
      { title: t("Messages"), kind: "num", cell: (row) => count(row.total) },
      { title: t("Failed"), kind: "num", cell: (row) => count(row.failed) },
    ],
    totals,
  );
  return {
    title: t("Sources"),
    root: el(
      "div",
      { class: "page" },
      head(t("Reports"), null),
      tabLinks("sources"),
      card("", totals.length === 0 ? noReports("dmarc", places) : list, { flush: true }),
    ),
  };
}

/** A source of mail in the name of a domain: a link to its reports, and its owner as far as it is known. */
function owner(domain: string, one: Source): Child {
  if (one.ip === "") return t("Others");
  const link = el(
    "a",
    { href: addressOf("reports", ["sources", domain], { ip: one.ip }) },
    one.own ? t("This server") : name(one.ip),
  );
  const names = one.names.map((proven, place) => [place > 0 && ", ", name(proven)]);
  return [
    link,
    one.own
      ? el("div", { class: "hint" }, name(one.ip))
      : names.length > 0 && el("div", { class: "hint" }, t("verified for"), " ", names),
  ];
}

/** The sources of a domain, or with `ip` the reports that name one of them. */
export async function sourcePage(desk: Desk, domain: string): Promise<Made> {
  const ip = desk.address.query.get("ip");
  if (ip !== null) return sourceReportsPage(desk, domain, ip);
  const found = await desk.client.dmarc_sources(domain, month);
  const [level, words] = answer(found);
  const list = table<Source>(
    t("Sources"),
    [
      { title: t("Source"), kind: "main", cell: (row) => owner(domain, row) },
      { title: t("Pass"), kind: "num", cell: (row) => count(row.passed) },
      { title: t("Failed"), kind: "num", cell: (row) => count(row.failed) },
      {
        title: t("Status"),
        cell: (row) =>
          row.failed === 0
            ? state("ok", t("passes"))
            : row.passed > 0 || row.own
              ? state("warn", t("sometimes passes"))
              : state("off", t("never passes")),
      },
    ],
    found.sources,
  );
  const root = el(
    "div",
    { class: "page" },
    head(
      [t("Sources for"), " ", name(domain)],
      many(found.reports, "From {n} report in the last {days} days", "From {n} reports in the last {days} days", {
        days: month,
      }),
    ),
    tabLinks("sources"),
    notice(level, [
      el("b", {}, t("Is p=reject safe?")),
      " ",
      words,
      found.policy !== "" && [" ", t("Current policy:"), " ", el("code", {}, "p=", name(found.policy))],
    ]),
    found.left_out > 0 &&
      notice(
        "wait",
        many(
          found.left_out,
          "{n} report wasn't counted because of the limits on number and size.",
          "{n} reports weren't counted because of the limits on number and size.",
        ),
      ),
    card(
      "",
      found.sources.length === 0
        ? el("p", { class: "hint" }, t("No sources in reports from the last {n} days.", { n: month }))
        : list,
      { flush: true },
    ),
  );
  return { title: t("Sources for {domain}", { domain }), root };
}

async function sourceReportsPage(desk: Desk, domain: string, ip: string): Promise<Made> {
  const found = await desk.client.dmarc_source_reports(domain, month, ip);
  const list = table<SourceReport>(
    t("Reports"),
    [
      {
        title: t("From"),
        kind: "main",
        cell: (row) => el("a", { href: addressOf("reports", ["dmarc", String(row.id)]) }, name(row.organization)),
      },
      { title: t("Period"), cell: (row) => [when(row.begin), " – ", when(row.end)] },
      { title: t("Pass"), kind: "num", cell: (row) => count(row.passed) },
      { title: t("Failed"), kind: "num", cell: (row) => count(row.failed) },
      { title: t("Result"), cell: (row) => row.dispositions.map((one, place) => [place > 0 && ", ", name(one)]) },
    ],
    found,
  );
  const root = el(
    "div",
    { class: "page" },
    head(
      [t("Reports about"), " ", name(ip)],
      [t("Mail sent as"), " ", name(domain), " ", t("from this address")],
      el("a", { class: "btn line", href: addressOf("reports", ["sources", domain]) }, t("All sources")),
    ),
    tabLinks("sources"),
    card(
      "",
      found.length === 0
        ? el("p", { class: "hint" }, t("No reports about this address in the last {n} days.", { n: month }))
        : list,
      { flush: true },
    ),
  );
  return { title: t("Reports about {ip}", { ip }), root };
}
