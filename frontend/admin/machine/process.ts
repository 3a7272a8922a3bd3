// Both configuration files as text and as effective, and what the process counts.

import type { MetricRow, MetricSample } from "../../gen/admin";
import { attempt } from "../../lib/dialogs";
import { type Child, el, fill, sign } from "../../lib/dom";
import { search as lens, listFilter } from "../../lib/icons";
import { card, copyButton, foreign, head, tabs } from "../../lib/pages";
import { empty, notice } from "../../lib/states";
import { many, t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";

type Page = { title: string; root: HTMLElement };

/** Both files, each as text and as effective. */
export async function configPage(desk: Desk): Promise<Page> {
  const file = desk.address.path[0] === "domains.toml" ? "domains.toml" : "moxlite.toml";
  const effective = desk.address.query.get("as") === "effective";
  const search = desk.address.query.get("search") ?? "";
  const found = await desk.client.config_file(file, search);
  const link = (to: string, as: string, title: string): [string, string, boolean] => [
    addressOf("config", [to], { as }),
    title,
    to === file && (as === "effective") === effective,
  ];
  const shown = effective ? found.effective : found.text;
  const input = el("input", {
    type: "search",
    "aria-label": t("Accounts and domains with names containing"),
    placeholder: t("Account or domain"),
  });
  input.value = search;
  const find = el(
    "form",
    {
      class: "filter",
      onsubmit: (event: Event) => {
        event.preventDefault();
        desk.go(addressOf("config", [file], { as: "effective", search: input.value }));
      },
    },
    el("label", { class: "search" }, sign(lens), input),
    el("button", { class: "btn line", type: "submit" }, t("Show")),
  );
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Configuration"),
      t(
        "Secrets are hidden. Changes to moxlite.toml take effect when you restart the server. Changes to domains.toml take effect immediately, whether you make them here, on the command line, or in an editor.",
      ),
    ),
    tabs(t("Files"), [
      link("moxlite.toml", "", t("moxlite.toml")),
      link("moxlite.toml", "effective", t("moxlite.toml, effective")),
      link("domains.toml", "", t("domains.toml")),
      link("domains.toml", "effective", t("domains.toml, effective")),
    ]),
    found.problem !== "" && notice("warn", t("{path} {why}", { path: found.path, why: found.problem })),
    found.problem === "" &&
      !found.current &&
      notice("danger", [
        t("The file has an error, so the previous version is still active."),
        " ",
        el("a", { href: "#overview" }, t("Show error")),
      ]),
    effective &&
      file === "domains.toml" &&
      (found.left_out > 0 || search !== "") && [
        find,
        found.left_out > 0 &&
          el(
            "p",
            { class: "hint" },
            many(found.left_out, "{n} account or domain not shown.", "{n} accounts and domains not shown."),
          ),
      ],
    card(
      found.path,
      el(
        "pre",
        { class: "zone whole", tabindex: "0", "aria-label": found.path },
        shown === "" ? t("(empty)") : foreignLines(shown),
      ),
      {
        flush: true,
        actions: copyButton(() => shown),
        hint: effective
          ? t("All active values, including defaults.")
          : found.cut
            ? t("Only the beginning of this file is shown.")
            : null,
      },
    ),
  );
  return { title: t("Configuration"), root };
}

/** A text of several lines, with control characters visible. */
function foreignLines(text: string): Child {
  return text
    .split("\n")
    .flatMap((one, index): Child[] => [
      index > 0 && "\n",
      one === "" ? null : foreign(one.replaceAll("\t", "  "), 2000),
    ]);
}

const round = (value: number): string =>
  Number.isInteger(value) ? t("{n}", { n: value }) : t("{n}", { n: Number(value.toPrecision(4)) });

function sampleText(row: MetricRow, one: MetricSample): string {
  if (row.kind !== "histogram") return round(one.value);
  return one.count === 0
    ? t("none")
    : t("{count}, mean {mean}", { count: one.count, mean: round(one.value / one.count) });
}

/** A name that may be wrapped after each of its parts. */
const atParts = (name: string): Child => name.split(/(?<=_)/).map((one) => [one, el("wbr")]);

/** What the process counts. */
export async function metricsPage(desk: Desk): Promise<Page> {
  const found = await desk.client.metrics();
  const wanted = desk.address.query.get("search") ?? "";
  const place = el("div");
  const count = el("span", { class: "hint" });
  const show = (words: string) => {
    const parts = words
      .toLowerCase()
      .split(/\s+/)
      .filter((one) => one !== "");
    const rows = found.filter(
      (row) =>
        row.samples.length > 0 && parts.every((one) => row.name.includes(one) || row.about.toLowerCase().includes(one)),
    );
    count.textContent = many(rows.length, "{n} metric", "{n} metrics");
    fill(
      place,
      rows.length === 0
        ? card("", empty(listFilter, t("No results"), t("Searches names and descriptions. Empty metrics are hidden.")))
        : card(
            "",
            el(
              "ul",
              { class: "metrics" },
              rows.map((row) =>
                el(
                  "li",
                  {},
                  el(
                    "div",
                    {},
                    el("b", {}, atParts(row.name.replace(/^moxlite_/, ""))),
                    el("div", { class: "hint" }, row.about),
                  ),
                  samples(row),
                ),
              ),
            ),
            { flush: true },
          ),
    );
  };
  const input = el("input", {
    type: "search",
    "aria-label": t("Name or description"),
    placeholder: t("Name or description"),
  });
  input.value = wanted;
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      desk.note(addressOf("metrics", [], { search: input.value }));
      void attempt(t("Searching…"), t("Couldn't search"), async () => show(input.value));
    }, 150);
  });
  show(wanted);
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Metrics"),
      t(
        "Counted since the server started. Prometheus and other tools can read them at /metrics on a listener with metrics_http.",
      ),
      el("label", { class: "search" }, sign(lens), input),
    ),
    el("div", { class: "filter" }, count),
    place,
  );
  return { title: t("Metrics"), root };
}

function samples(row: MetricRow): HTMLElement {
  const lines = row.samples.map((one) =>
    el(
      "tr",
      {},
      el(
        "td",
        {},
        foreign(
          Object.entries(one.labels)
            .map(([name, value]) => `${name} ${value === "" ? "–" : value}`)
            .join(", ") || t("value"),
          120,
        ),
      ),
      el("td", { class: "num" }, sampleText(row, one)),
    ),
  );
  const whole = el(
    "table",
    { "aria-label": row.name },
    el(
      "tbody",
      {},
      lines,
      row.left_out > 0 &&
        el("tr", {}, el("td", { colspan: "2" }, many(row.left_out, "{n} more value", "{n} more values"))),
    ),
  );
  if (row.samples.length <= 6) return whole;
  const total = row.samples.reduce((sum, one) => sum + (row.kind === "histogram" ? one.count : one.value), 0);
  const summary =
    row.kind === "gauge"
      ? many(row.samples.length, "{n} value", "{n} values")
      : t("{n} in {m} values", { n: Number(total.toPrecision(6)), m: row.samples.length });
  return el("details", {}, el("summary", {}, summary), whole);
}
