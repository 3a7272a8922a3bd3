// Logging out: ends the session of an app in this browser.

import { attempt } from "./dialogs";
import { provided, setProvided } from "./provider";
import { leave } from "./reload";
import { forgetSearches } from "./searched";
import type { Session } from "./session";
import { t } from "./words";

/** Remove what this browser keeps of the session of an app, which has ended. */
export function forget(app: string): void {
  // what wasn't saved in its forms, and in the forms of the webmail's settings
  for (const name of [app, app.replace("webmail", "account")])
    for (const store of [localStorage, sessionStorage]) store.removeItem(`${name}-unsaved`);
  for (const name of ["csrf", "address", "stays"]) localStorage.removeItem(`${app}-${name}`);
  forgetSearches();
}

/** End the session and load the page again. `forgetSession`: as `forget`, and more. */
export async function logOut(session: Session, forgetSession?: () => Promise<void>): Promise<void> {
  const { client } = session;
  // asked before the session ends, which knows the log-in there; if the provider is away, the log-out here counts
  const url = provided() ? await client.provider_logout().catch(() => "") : "";
  if (!(await attempt(t("Logging out…"), t("Couldn't log out"), () => client.logout()))) return;
  forget(session.app);
  await forgetSession?.();
  location.hash = "";
  setProvided(false);
  leave(url === "" ? undefined : () => location.assign(url));
}
