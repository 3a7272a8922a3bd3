// What people log in by: the server keeps codes, each page says them in its language (WEBMAIL-143d).

import { t } from "./words";

const protocols: Readonly<Record<string, string>> = {
  submission: t("sending mail"),
  imap: "IMAP",
  webaccount: t("account page"),
  webmail: t("webmail"),
  webapi: t("web API"),
  dav: t("calendars and contacts"),
  jmap: "JMAP",
  managesieve: "ManageSieve",
};

/** The protocol or app of a login; a later version's code as it is. */
export function protocolName(code: string): string {
  return protocols[code] ?? code;
}
