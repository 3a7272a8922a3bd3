// The answer to "would p=reject hurt?", which pages of reports and trends give.

import type { Sources } from "../../gen/admin";
import type { Level } from "../../lib/states";
import { many, t } from "../../lib/words";

/** The answer with its shape. */
export function answer(found: Sources): [Level, string] {
  switch (found.answer) {
    case "unknown":
      return ["unknown", t("Unknown. There were no reports in the last 30 days.")];
    case "no":
      return ["ok", t("Yes. All {n} messages pass.", { n: found.passed.toLocaleString() })];
    case "strangers":
      return [
        "ok",
        many(
          found.strange,
          "Probably. This would reject {n} message from an address that never passes. Check whether you recognize the address.",
          "Probably. This would reject {n} messages from addresses that never pass. Check whether you recognize any of them.",
        ),
      ];
    case "yes":
      return [
        "warn",
        many(
          found.hurt,
          "No. {n} failing message comes from an address that also sends your mail.",
          "No. {n} failing messages come from addresses that also send your mail.",
        ),
      ];
  }
}
