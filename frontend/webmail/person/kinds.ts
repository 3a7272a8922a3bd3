// Names of the kinds of addresses and numbers.

import { meant, t } from "../../lib/words";

export const kinds: readonly (readonly [string, string])[] = [
  ["", t("Other")],
  ["home", t("Private")],
  ["work", t("Work")],
  ["mobile", t("Mobile")],
  ["fax", t("Fax")],
  ["pager", meant("phone", "Pager")],
];

/** The kinds of postal addresses and websites. */
export const places = kinds.slice(0, 3);

/** The name of a kind; of one that has none, its own. */
export const kindName = (kind: string): string => kinds.find(([name]) => name === kind)?.[1] ?? kind;
