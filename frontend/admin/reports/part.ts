// Reports: what other servers report about our mail, our own reports that wait, and MTA-STS policies of others.

import type { Kind } from "./shared";
import type { Desk, PagePart } from "../ui/page";
import { dmarcReportPage, receivedPage, tlsReportPage } from "./received";
import { evaluationsPage, ownPage, policiesPage } from "./own";
import { sourcePage, sourcesPage } from "./sources";

const kinds: Readonly<Record<string, Kind>> = { dmarc: "dmarc", tls: "tls" };

async function reportsPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const [first = "", second = ""] = desk.address.path;
  if (first === "own") return second === "" ? ownPage(desk) : evaluationsPage(desk, second);
  if (first === "mta-sts") return policiesPage(desk);
  if (first === "sources") return second === "" ? sourcesPage(desk) : sourcePage(desk, second);
  const kind = kinds[first] ?? "dmarc";
  const number = Number(second);
  if (second !== "" && Number.isSafeInteger(number))
    return kind === "dmarc" ? dmarcReportPage(desk, number) : tlsReportPage(desk, number);
  return receivedPage(desk, kind);
}

export const pages: PagePart["pages"] = { reports: reportsPage };
