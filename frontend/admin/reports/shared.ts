// What the pages of reports have in common.

import type { ReportPlace } from "../../gen/admin";
import { type Child, el } from "../../lib/dom";
import { tabs, visible } from "../../lib/pages";
import { empty } from "../../lib/states";
import { fileText } from "../../lib/icons";
import { t } from "../../lib/words";
import { addressOf } from "../ui/page";

/** A kind of reports. */
export type Kind = "dmarc" | "tls";

/** Days that sums and sources are about. */
export const month = 30;

/** Links to the pages of reports. */
export const tabLinks = (on: string): HTMLElement =>
  tabs(t("Reports"), [
    ["#reports", t("DMARC"), on === "dmarc"],
    ["#reports/sources", t("Who sends as us"), on === "sources"],
    ["#reports/tls", t("TLS"), on === "tls"],
    ["#reports/own", t("Ours, waiting"), on === "own"],
    ["#reports/mta-sts", t("MTA-STS policies"), on === "mta-sts"],
  ]);

/** A word or name of a stranger. */
export const name = (value: string): Child =>
  value === "" ? el("span", { class: "muted" }, t("(none)")) : el("bdi", {}, visible(value));

/** A number with separators. */
export const count = (value: number): string => value.toLocaleString();

/** An empty list of received reports: what has to be set so that reports come. */
export function noReports(kind: Kind, places: readonly ReportPlace[]): HTMLElement {
  const record = kind === "dmarc" ? "rua" : "_smtp._tls";
  const missing = places.filter((one) => (kind === "dmarc" ? one.dmarc : one.tls) === "");
  const first = missing[0] ?? places[0];
  const title = kind === "dmarc" ? t("No DMARC reports yet") : t("No TLS reports yet");
  if (first === undefined)
    return empty(
      fileText,
      title,
      t("Reports are about domains, and there is no domain yet."),
      el("a", { class: "btn line", href: "#domains" }, t("Add a domain")),
    );
  if (missing.length > 0) {
    const text = t(
      "Other servers send reports to the address that a domain names. {domain} has none: set {field} in its settings, then publish its record with {record}.",
      {
        domain: first.domain,
        field: kind === "dmarc" ? "dmarc" : "tlsrpt",
        record,
      },
    );
    return empty(
      fileText,
      title,
      text,
      el(
        "a",
        { class: "btn line", href: addressOf("domains", [first.domain], { tab: "settings" }) },
        t("Set the address"),
      ),
      el("a", { class: "btn line", href: addressOf("domains", [first.domain], { tab: "dns" }) }, t("See the records")),
    );
  }
  const text = t(
    "Reports come once a day from servers that got mail of yours, to {address}. If none comes within two days, check that the record with {record} is published.",
    {
      address: kind === "dmarc" ? first.dmarc : first.tls,
      record,
    },
  );
  return empty(
    fileText,
    title,
    text,
    el("a", { class: "btn line", href: addressOf("domains", [first.domain], { tab: "dns" }) }, t("Check the records")),
  );
}
