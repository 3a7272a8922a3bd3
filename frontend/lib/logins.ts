// What people log in by: the server keeps codes, each page says them in its language (WEBMAIL-143d).

import { t } from "./words";

const protocols: Readonly<Record<string, string>> = {
  smtp: "SMTP",
  submission: t("sending mail"),
  imap: "IMAP",
  webmail: "Webmail",
  webaccount: t("account page"),
  webadmin: t("admin app"),
  webapi: t("web API"),
  dav: t("calendars and contacts"),
  jmap: "JMAP",
  addresses: t("password managers"),
  website: t("protected website"),
  cli: t("command line"),
};

/** The protocol or app of a login; a later version's code as it is. */
export function protocolName(code: string): string {
  return protocols[code] ?? code;
}
