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
      return ["ok", many(found.passed, "Yes. The only message passes.", "Yes. All {n} messages pass.")];
    case "strangers":
      return [
        "ok",
        many(
          found.strange,
          "Probably. This would reject {n} message from an IP address that never passes. Check whether it's one of yours.",
          "Probably. This would reject {n} messages from IP addresses that never pass. Check whether any of them are yours.",
        ),
      ];
    case "yes":
      return [
        "warn",
        many(
          found.hurt,
          "No. {n} failing message came from an IP address that also sends your legitimate mail.",
          "No. {n} failing messages came from IP addresses that also send your legitimate mail.",
        ),
      ];
  }
}
