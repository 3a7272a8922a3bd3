// Actions that can be undone (WEBMAIL-124).

import type { Action } from "../data/pending";

/** An action that can be undone. */
export interface Undo {
  readonly what: string;
  readonly actions: () => Action[];
}
