// Results of log-ins, and what one logs in to, said to an administrator.

import { protocolName } from "../../lib/logins";
import { t } from "../../lib/words";

const results: Readonly<Record<string, string>> = {
  ok: t("logged in"),
  badpassword: t("wrong password"),
  baduser: t("unknown address"),
  badcreds: t("wrong password or token"),
  badchanbind: t("other connection"),
  badprotocol: t("invalid exchange"),
  badfactor: t("wrong code"),
  factorneeded: t("code needed"),
  logindisabled: t("login disabled"),
  notpermitted: t("not allowed here"),
  error: t("failed"),
  aborted: t("canceled"),
};

/** The result of a log-in. */
export const resultOf = (word: string): string => results[word] ?? word;

const protocols: Readonly<Record<string, string>> = {
  smtp: "SMTP",
  webadmin: t("admin app"),
  addresses: t("password managers"),
  website: t("website"),
};

/** What one logs in to. */
export const protocolOf = (word: string): string => protocols[word] ?? protocolName(word);
