// What the pages of reports have in common.

import type { ReportPlace } from "../../gen/admin";
import { type Child, el } from "../../lib/dom";
import { fileText } from "../../lib/icons";
import { tabs, visible } from "../../lib/pages";
import { empty } from "../../lib/states";
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
    ["#reports/sources", t("Sources"), on === "sources"],
    ["#reports/tls", t("TLS"), on === "tls"],
    ["#reports/own", t("Pending"), on === "own"],
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
      t("To get reports, add a domain first."),
      el("a", { class: "btn line", href: "#domains" }, t("Add domain")),
    );
  if (missing.length > 0) {
    const text = t(
      "{domain} doesn't have a report address yet. Set {field} in the domain settings, then publish the record with {record}.",
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
      el("a", { class: "btn line", href: addressOf("domains", [first.domain], { tab: "settings" }) }, t("Set address")),
      el("a", { class: "btn line", href: addressOf("domains", [first.domain], { tab: "dns" }) }, t("View records")),
    );
  }
  const text = t(
    "Servers that receive your mail send daily reports to {address}. If you don't get any within 2 days, check that the record with {record} is published.",
    {
      address: kind === "dmarc" ? first.dmarc : first.tls,
      record,
    },
  );
  return empty(
    fileText,
    title,
    text,
    el("a", { class: "btn line", href: addressOf("domains", [first.domain], { tab: "dns" }) }, t("Check records")),
  );
}
