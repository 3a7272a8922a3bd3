// The answer to "would p=reject hurt?", which pages of reports and trends give.

import type { Sources } from "../../gen/admin";
import type { Level } from "../../lib/states";
import { many, t } from "../../lib/words";

/** The answer with its shape. */
export function answer(found: Sources): [Level, string] {
  switch (found.answer) {
    case "unknown":
      return ["unknown", t("Not known: no report has come in 30 days.")];
    case "no":
      return ["ok", t("It would hurt nothing: all {n} messages pass.", { n: found.passed.toLocaleString() })];
    case "strangers":
      return [
        "ok",
        many(
          found.strange,
          "It would stop {n} message, of an address that never passes. Unless you know that address, it would not hurt.",
          "It would stop {n} messages, all of addresses that never pass. Unless you know one of them, it would not hurt.",
        ),
      ];
    case "yes":
      return [
        "warn",
        many(
          found.hurt,
          "It would hurt: {n} message that does not pass comes from an address that also sends your mail.",
          "It would hurt: {n} messages that do not pass come from addresses that also send your mail.",
        ),
      ];
  }
}
