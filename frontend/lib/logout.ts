// Logging out: ends the session of an app in this browser.

import { attempt } from "./dialogs";
import { provided, setProvided } from "./provider";
import { leave } from "./reload";
import type { Session } from "./session";
import { t } from "./words";

/** End the session and load the page again. */
export async function logOut(session: Session): Promise<void> {
  const { client } = session;
  if (!(await attempt(t("Logging out…"), t("Couldn't log out"), () => client.logout()))) return;
  await session.forget();
  location.hash = "";
  // the provider logs out too, and comes back; if it is away, the log-out here counts
  const url = provided() ? await client.provider_logout().catch(() => "") : "";
  setProvided(false);
  leave(url === "" ? undefined : () => location.assign(url));
}
