// A domain's records with their values to copy, and the checks as they end.

import type { DNSRecord, DNSReport } from "../../gen/admin";
import { messageOf } from "../../lib/client";
import { attempt } from "../../lib/dialogs";
import { type Child, el, fill } from "../../lib/dom";
import { refreshCw } from "../../lib/icons";
import { button, card, copyable, copyButton, foreign, iconButton, table, visible } from "../../lib/pages";
import { notice, state } from "../../lib/states";
import { ago } from "../../lib/times";
import { many, t } from "../../lib/words";
import type { Desk } from "../ui/page";
import { provider } from "./provider";

/** The records with their values to copy, and the checks as they end.
 * `again`: milliseconds after which topics with errors, or that were never checked, are checked again by themselves, for as long
 * as the page is shown. `told`: hears of the reports as they change. */
export async function dns(
  desk: Desk,
  name: string,
  { again = 0, told = (_: readonly DNSReport[]): void => undefined } = {},
): Promise<Child> {
  const [records, reports, above] = await Promise.all([
    desk.client.dns_records(name),
    desk.client.dns_reports(name),
    provider(desk, name),
  ]);
  const places = new Map(reports.map((one) => [one.topic, el("li")]));
  const summary = el("div", { class: "summary", "aria-live": "polite" });
  const latest = new Map(reports.map((one) => [one.topic, one]));
  const running = new Set<string>();
  const draw = (topic: string) => {
    const report = latest.get(topic)!;
    fill(
      places.get(topic)!,
      topicLine(report, running.has(topic), () => void check(topic)),
    );
    const all = [...latest.values()];
    told(all);
    const [bad, weak] = [
      all.filter((one) => one.errors.length > 0).length,
      all.filter((one) => one.errors.length === 0 && one.warnings.length > 0).length,
    ];
    const level = bad > 0 ? "danger" : weak > 0 ? "warn" : "ok";
    const words =
      running.size > 0
        ? many(running.size, "{n} check running.", "{n} checks running.")
        : bad + weak === 0
          ? t("No problems found.")
          : [
              bad > 0 ? many(bad, "{n} check found errors.", "{n} checks found errors.") : "",
              weak > 0
                ? many(weak, "{n} check found possible improvements.", "{n} checks found possible improvements.")
                : "",
            ].join(" ");
    fill(
      summary,
      all.some((one) => one.at > 0) || running.size > 0 ? notice(running.size > 0 ? "wait" : level, words) : null,
    );
  };
  /** Check a topic; whether the server could. */
  const check = async (topic: string): Promise<boolean> => {
    let could = true;
    running.add(topic);
    draw(topic);
    try {
      // A check goes on by itself, also when this page is left: each call waits for its end for a while.
      do latest.set(topic, await desk.client.dns_check(name, topic));
      while (latest.get(topic)!.running && summary.isConnected);
    } catch (error) {
      could = false;
      latest.set(topic, {
        topic,
        at: Date.now() * 1000,
        running: false,
        errors: [messageOf(error)],
        warnings: [],
        instructions: [],
        found: [],
        unused: false,
      });
    }
    running.delete(topic);
    draw(topic);
    return could;
  };
  for (const one of reports) {
    if (one.running) void check(one.topic);
    else draw(one.topic);
  }
  if (again > 0) {
    const look = async () => {
      const [first, ...others] = [...latest.values()].filter(
        (one) => !running.has(one.topic) && (one.at === 0 || one.errors.length > 0),
      );
      // where one cannot be made, none can
      if (first === undefined || !(await check(first.topic))) return;
      for (const one of others) if (!running.has(one.topic)) void check(one.topic);
    };
    void look();
    const timer = setInterval(() => document.hidden || void look(), again);
    desk.onLeave(() => clearInterval(timer));
  }
  const everything = button(t("Check everything"), () => reports.forEach((one) => void check(one.topic)), {
    icon: refreshCw,
    kind: "primary",
  });
  const zone = el("pre", { class: "zone", hidden: true, tabindex: "0", "aria-label": t("Zone file") });
  const asZone = async () => {
    zone.textContent = await desk.client.dns_zone(name);
    zone.hidden = false;
    const copy = copyButton(() => zone.textContent ?? "", t("Copy zone file"));
    fill(zoneButtons, copy);
    copy.focus();
  };
  const zoneButtons = el(
    "span",
    { class: "flex" },
    button(t("Show zone file"), () => void attempt(t("Creating zone file…"), t("Couldn't create zone file"), asZone)),
  );
  const list = table<DNSRecord>(
    t("Records"),
    [
      { title: t("Type"), cell: (row) => el("b", {}, row.kind) },
      { title: t("Name"), cell: (row) => copyable(row.name) },
      {
        title: t("Value"),
        cell: (row) => [
          el(
            "span",
            { class: "copy" },
            el("code", {}, foreign(row.value, 80)),
            copyButton(() => row.value),
          ),
          (row.optional || !row.live) &&
            el("div", { class: "hint" }, row.optional ? t("Optional.") : t("Requires DNSSEC.")),
        ],
      },
      { title: t("Purpose"), cell: (row) => el("span", { class: "hint" }, row.about) },
    ],
    records,
  );
  return [
    summary,
    above,
    card(t("Checks"), el("ul", { class: "lines" }, [...places.values()]), {
      flush: true,
      actions: everything,
      hint: t(
        "See your DNS records as other servers see them. Checks take up to 30 seconds. Results will appear automatically.",
      ),
    }),
    card(t("Records for {domain}", { domain: name }), [list, zone], {
      flush: true,
      actions: zoneButtons,
      hint: t("Add these records at your DNS provider."),
    }),
  ];
}

/** What each topic is for, as a sentence that its mark confirms or not, and its name. */
const topics: Readonly<Record<string, readonly [sentence: string, name: string]>> = {
  dnssec: [t("DNS records can't be forged"), "DNSSEC"],
  iprev: [t("This server's addresses point to its name"), t("Reverse DNS")],
  mx: [t("Mail for this domain is delivered here"), "MX"],
  tls: [t("Mail to this server is encrypted"), "TLS"],
  dane: [t("TLS keys are published in DNS"), "DANE"],
  spf: [t("Only this server sends mail for the domain"), "SPF"],
  dkim: [t("Outgoing messages are signed"), "DKIM"],
  dmarc: [t("Other servers know how to handle forged mail"), "DMARC"],
  "host-tlsrpt": [t("You get TLS reports for this server"), t("Host TLS reports")],
  tlsrpt: [t("You get TLS reports for the domain"), t("TLS reports")],
  mtasts: [t("Other servers must encrypt mail to you"), "MTA-STS"],
  srv: [t("Mail apps find your servers"), "SRV"],
  autoconfig: [t("Thunderbird finds your settings"), t("Autoconfig")],
  autodiscover: [t("Outlook finds your settings"), t("Autodiscover")],
  pacc: [t("Mail apps get settings from your domain"), "PACC"],
  "client-settings": [t("The server name for mail apps points here"), t("Mail client settings")],
};

function topicLine(report: DNSReport, running: boolean, again: () => void): Child[] {
  const mark = running
    ? state("wait", t("checking…"))
    : report.at === 0
      ? state("unknown", t("not checked"))
      : report.errors.length > 0
        ? state("danger", t("wrong"))
        : report.warnings.length > 0
          ? state("warn", t("weak"))
          : report.unused
            ? state("unknown", t("not used"))
            : state("ok", t("correct"));
  const [sentence, name] = topics[report.topic]!;
  const said = [...report.errors, ...report.warnings].map((one) => el("div", { class: "two" }, visible(one)));
  const todo = report.instructions.map((one) => el("div", { class: "hint" }, copyableLines(one)));
  const seen =
    report.found.length > 0 &&
    el(
      "details",
      {},
      el("summary", { class: "hint" }, many(report.found.length, "{n} record found", "{n} records found")),
      report.found.map((one) => el("code", {}, visible(one))),
    );
  return [
    el(
      "div",
      { class: "grow" },
      el("b", {}, sentence),
      " ",
      el("span", { class: "chip" }, name),
      " ",
      mark,
      report.at > 0 && el("span", { class: "hint" }, ` ${ago(report.at)}`),
      said,
      todo,
      seen,
    ),
    iconButton(t("Check {topic} again", { topic: name }), refreshCw, again),
  ];
}

/** An instruction; its lines that are records have a button to copy them. */
function copyableLines(text: string): Child[] {
  return text
    .split("\n")
    .map((one) =>
      / (?:A|AAAA|TXT|CNAME|MX|SRV|TLSA|CAA|PTR) /.test(one)
        ? el("div", {}, copyable(one.trim()))
        : el("div", {}, visible(one)),
    );
}
