// The page of plots.

import type {
  AccountDisk,
  DaySeries,
  DiskUse,
  History,
  LoginFailures,
  QueueSample,
  Sources,
  Sum,
} from "../../gen/admin";
import { type Child, el } from "../../lib/dom";
import { size } from "../../lib/numbers";
import { card, type Column, head, table, visible } from "../../lib/pages";
import { key, line, rows, stacked, type Series } from "../../lib/plot";
import { state } from "../../lib/states";
import { agoShort, moment } from "../../lib/times";
import { many, t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { answer } from "../ui/reject";
import { dayOf, type DailyKind, kinds, shortDay } from "./kinds";

/** Numbers of days that can be chosen. */
const spans = [14, 30, 90];
const minute = 60e6;
const week = 7 * 86_400e6;

const number = (value: number): string =>
  value >= 10_000
    ? `${(value / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 })}k`
    : value.toLocaleString();
const link = (value: string): Child => el("bdi", {}, visible(value));

/** All plots. */
export async function trendsPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const days = spans.find((one) => String(one) === desk.address.query.get("days")) ?? 30;
  const { client } = desk;
  const [history, queue, totals, logins, disk] = await Promise.all([
    client.history(days),
    client.queue_history(),
    client.reports_summary("dmarc", 30),
    client.login_failures(days),
    client.disk_use(),
  ]);
  const wanted = desk.address.query.get("domain");
  const domain =
    totals.find((one) => one.domain === wanted)?.domain ??
    totals.reduce<(typeof totals)[number] | null>(
      (most, one) => (most === null || one.total > most.total ? one : most),
      null,
    )?.domain;
  const sources = domain === undefined ? null : await client.dmarc_sources(domain, 30);
  const chip = (span: number) =>
    el(
      "a",
      {
        class: "chip pill",
        href: addressOf("trends", [], { days: String(span), domain: wanted ?? "" }),
        "aria-current": span === days ? "true" : undefined,
      },
      many(span, "{n} day", "{n} days"),
    );
  const root = el(
    "div",
    { class: "page" },
    head(t("Trends"), t("Click a bar to see the list. Days start at midnight UTC."), spans.map(chip)),
    el(
      "div",
      { class: "cols plots" },
      mail(history, days),
      junk(history, days),
      waiting(queue),
      dmarc(
        sources,
        totals.map((one) => one.domain),
        days,
      ),
      disks(disk),
      guesses(logins, days),
    ),
  );
  return { title: t("Trends"), root };
}

function plotCard(title: string, hint: Child, plot: Child, beside: Child): HTMLElement {
  return card(title, el("div", { class: "plotted" }, el("div", {}, plot), beside), {
    hint: typeof hint === "string" ? hint : el("p", { class: "hint" }, hint),
  });
}

/** In place of a plot that would be empty. */
const nothing = (text: string): HTMLElement => el("p", { class: "none two" }, text);

/** The table beside a plot, which stays a table on phones. */
function figures<Row>(label: string, columns: readonly Column<Row>[], found: readonly Row[]): HTMLTableElement {
  const made = table(label, columns, found);
  made.classList.remove("records");
  return made;
}

/** The middle of some numbers. */
function middle(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function byDay(history: History, days: number, wanted: readonly DailyKind[], label: string): [Child, Child] {
  const found = wanted.map(
    (kind): DaySeries => history.series.find((one) => one.kind === kind) ?? { kind, numbers: [] },
  );
  const first = history.today - days + 1;
  const counted = history.series
    .map((one) => one.numbers.findIndex((value) => value > 0))
    .filter((place) => place >= 0);
  const begin = Math.min(...counted, days - 1); // days before the first count are no usual ones
  const places = Array.from({ length: days }, (_, place) => first + place);
  const every = Math.ceil(days / 4);
  const series = found.map(
    (one): Series => ({ title: kinds[one.kind][0], tone: kinds[one.kind][1], values: one.numbers }),
  );
  const marks = places.map((day, place) =>
    place === days - 1 ? t("today") : place % every === 0 && place <= days - every ? shortDay(day) : "",
  );
  const plot = series.every((one) => one.values.every((value) => value === 0))
    ? nothing(t("No data for this period"))
    : stacked(
        label,
        series,
        places.map(dayOf),
        marks,
        (place) => addressOf("trends", ["day", String(first + place)]),
        number,
      );
  const beside = figures<DaySeries>(
    label,
    [
      {
        title: t("Mail"),
        kind: "main",
        cell: (row) => el("span", { class: "keyed" }, key(kinds[row.kind][1]), el("span", {}, kinds[row.kind][0])),
      },
      { title: t("Today"), kind: "num", cell: (row) => number(row.numbers.at(-1) ?? 0) },
      { title: t("Usual"), kind: "num", cell: (row) => number(middle(row.numbers.slice(begin, -1))) },
      { title: t("All"), kind: "num", cell: (row) => number(row.numbers.reduce((sum, one) => sum + one, 0)) },
    ],
    found,
  );
  return [plot, beside];
}

function mail(history: History, days: number): HTMLElement {
  const [plot, beside] = byDay(history, days, ["delivered", "sent", "junk", "refused"], t("Mail per day"));
  return plotCard(t("Mail per day"), many(days, "Last {n} day", "Last {n} days"), plot, beside);
}

function junk(history: History, days: number): HTMLElement {
  const verdicts = byDay(history, days, ["judged-wanted", "judged-junk"], t("Junk filter results"));
  const marks = byDay(history, days, ["marked-junk", "marked-wanted"], t("User corrections"));
  const sum = (kind: DailyKind) =>
    history.series.find((one) => one.kind === kind)?.numbers.reduce((all, one) => all + one, 0) ?? 0;
  const judged = sum("judged-wanted") + sum("judged-junk");
  const [missed, wrong] = [sum("marked-junk"), sum("marked-wanted")];
  const words =
    judged + missed + wrong === 0
      ? t("No results yet. Filters start when they have enough training data.")
      : missed > 2 * wrong + 5
        ? t("Too much junk is missed. Lower the threshold to catch more.")
        : wrong > 2 * missed + 5
          ? t("Too much good mail is marked as junk. Raise the threshold to avoid this.")
          : t("Junk detection looks balanced.");
  return plotCard(
    t("Junk filter"),
    [
      words,
      history.filed + history.filtered > 0 &&
        ` ${t("{filed} moved to Junk, {filtered} rejected.", {
          filed: number(history.filed),
          filtered: number(history.filtered),
        })}`,
    ],
    [
      el("h3", { class: "hint" }, t("Results")),
      verdicts[0],
      el("h3", { class: "hint" }, t("User corrections")),
      marks[0],
    ],
    el("div", {}, verdicts[1], marks[1]),
  );
}

function waiting(samples: readonly QueueSample[]): HTMLElement {
  const now = Date.now() * 1000;
  const from = now - week;
  const midnights = Array.from(
    { length: 7 },
    (_, place) => new Date(now / 1000 - (6 - place) * 86_400_000).setHours(0, 0, 0, 0) * 1000,
  ).filter((at) => at > from && at < now - week / 5); // nearer ones would touch the last mark
  const marks = [
    ...midnights
      .filter((_, place) => place % 2 === 0)
      .map((at): [number, string] => [at, new Intl.DateTimeFormat(undefined, { weekday: "short" }).format(at / 1000)]),
    [now, t("now")] as [number, string],
  ];
  const most = (read: (one: QueueSample) => number) =>
    samples.reduce((highest, one) => Math.max(highest, read(one)), 0);
  const last = samples.at(-1);
  const age = (value: number) => (value === 0 ? "0" : value < minute ? t("< 1 minute") : agoShort(value));
  const label = t("Messages waiting, last 7 days");
  const plot = line(
    label,
    samples.map((one) => [one.at, one.messages] as const),
    from,
    now,
    marks,
    "#queue",
    number,
    ([at, value]) => `${number(value)}, ${moment(at)}`,
  );
  const hours = line(
    t("Oldest message (hours)"),
    samples.map((one) => [one.at, one.oldest / (60 * minute)] as const),
    from,
    now,
    marks,
    addressOf("queue", [], { sort: "queued" }),
    (value) => value.toLocaleString(undefined, { maximumFractionDigits: 1 }),
    ([at, value]) => `${age(value * 60 * minute)}, ${moment(at)}`,
  );
  const beside = figures<readonly [string, string, string]>(
    label,
    [
      { title: t("Queue"), kind: "main", cell: (row) => row[0] },
      { title: t("Now"), kind: "num", cell: (row) => row[1] },
      { title: t("Peak"), kind: "num", cell: (row) => row[2] },
    ],
    [
      [t("Waiting"), number(last?.messages ?? 0), number(most((one) => one.messages))],
      [t("On hold"), number(last?.held ?? 0), number(most((one) => one.held))],
      [t("Oldest"), age(last?.oldest ?? 0), age(most((one) => one.oldest))],
    ],
  );
  return plotCard(
    t("Queue"),
    t("Checked every 5 minutes while messages are waiting"),
    samples.every((one) => one.messages === 0)
      ? nothing(t("No messages waited in the last 7 days"))
      : [
          el("h3", { class: "hint" }, t("Messages")),
          plot,
          el("h3", { class: "hint" }, t("Oldest message (hours)")),
          hours,
        ],
    beside,
  );
}

function dmarc(found: Sources | null, domains: readonly string[], days: number): HTMLElement {
  if (found === null)
    return card(
      t("Sources"),
      el(
        "p",
        { class: "hint" },
        t("No DMARC reports in the last 30 days."),
        " ",
        el("a", { href: "#reports" }, t("Set up reports")),
      ),
      {},
    );
  const series = [
    [t("pass"), 1],
    [t("fail"), 4],
  ] as const;
  const named = (ip: string, own: boolean) => (ip === "" ? t("Others") : own ? t("This server") : visible(ip));
  const shown = found.sources.slice(0, 8);
  const to = (ip: string) => addressOf("reports", ["sources", found.domain], { ip });
  const plot = rows(
    t("Mail sources"),
    series,
    shown.map((one) => ({ title: named(one.ip, one.own), values: [one.passed, one.failed], href: to(one.ip) })),
    number,
  );
  const beside = figures(
    t("Mail sources"),
    [
      { title: t("Source"), kind: "main", cell: (row) => named(row.ip, row.own) },
      { title: t("Pass"), kind: "num", cell: (row) => number(row.passed) },
      { title: t("Fail"), kind: "num", cell: (row) => number(row.failed) },
    ],
    shown,
  );
  const [level, words] = answer(found);
  const others = domains.filter((one) => one !== found.domain).slice(0, 10);
  const hint = [
    t("From DMARC reports in 30 days for"),
    " ",
    el("b", {}, link(found.domain)),
    ".",
    others.length > 0 && [
      " ",
      t("Others:"),
      others.map((one) => [
        " ",
        el("a", { href: addressOf("trends", [], { domain: one, days: String(days) }) }, link(one)),
      ]),
    ],
    el("br"),
    state(level, t("p=reject")),
    " ",
    words,
  ];
  return plotCard(t("Sources"), hint, plot, beside);
}

function disks(found: DiskUse): HTMLElement {
  const shown = found.accounts.slice(0, 8);
  const rest = found.accounts.slice(8);
  const octets = rest.reduce((sum, one) => sum + one.octets, found.rest);
  const total = found.accounts.reduce((sum, one) => sum + one.octets, found.rest);
  const all: AccountDisk[] = octets > 0 ? [...shown, { name: "", octets }] : shown;
  const named = (one: AccountDisk) =>
    one.name === "" ? many(rest.length + found.others, "{n} other", "{n} others") : visible(one.name);
  const plot = rows(
    t("Disk by account"),
    [[t("Disk"), 1]],
    all.map((one) => ({
      title: named(one),
      values: [one.octets],
      href: addressOf("accounts", one.name === "" ? [] : [one.name]),
    })),
    size,
  );
  const beside = figures<AccountDisk>(
    t("Disk by account"),
    [
      { title: t("Account"), kind: "main", cell: (row) => named(row) },
      { title: t("On disk"), kind: "num", cell: (row) => size(row.octets) },
    ],
    all,
  );
  return plotCard(
    t("Disk by account"),
    t("{size} total: mail, search index, and database logs", { size: size(total) }),
    plot,
    beside,
  );
}

function guesses(found: LoginFailures, days: number): HTMLElement {
  const shown = found.networks.slice(0, 8);
  const rest = found.networks.slice(8).reduce((sum, one) => sum + one.number, found.rest);
  const total = found.networks.reduce((sum, one) => sum + one.number, found.rest);
  const limits = el("a", { href: "#trends/limits" }, t("Currently blocked"));
  if (total === 0)
    return card(
      t("Failed logins"),
      el("p", { class: "hint" }, many(days, "None in the last {n} day.", "None in the last {n} days."), " ", limits),
    );
  const all: Sum[] = rest > 0 ? [...shown, { about: "", number: rest }] : shown;
  const named = (one: Sum) => (one.about === "" ? t("other networks") : visible(one.about));
  const plot = rows(
    t("Failed logins by network"),
    [[t("Failed"), 4]],
    all.map((one) => ({
      title: named(one),
      values: [one.number],
      href: one.about === "" ? "#trends" : addressOf("trends", ["logins"], { network: one.about }),
    })),
    number,
  );
  const beside = figures<Sum>(
    t("Failed logins by network"),
    [
      { title: t("Network"), kind: "main", cell: (row) => named(row) },
      { title: t("Failed"), kind: "num", cell: (row) => number(row.number) },
    ],
    all,
  );
  return plotCard(
    t("Failed logins"),
    [
      many(days, "{total} in {n} day, by network", "{total} in {n} days, by network", { total: number(total) }),
      ". ",
      limits,
    ],
    plot,
    beside,
  );
}
