// The actions on a row, under the pointer and by a swipe. The same commands have keys, and are in the menu of the row.

import { archive, clock, mailOpen, trash2 } from "../../lib/icons";
import { t } from "../../lib/words";
import type { RowAction } from "../commands/desk";

/** Each action with its sign and its words. */
export const rowActions: readonly (readonly [RowAction, string, string])[] = [
  ["archive", archive, t("Archive")],
  ["trash", trash2, t("Move to Trash")],
  ["later", clock, t("Snooze")],
  ["read", mailOpen, t("Mark as read or unread")],
];
