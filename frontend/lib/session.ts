// The session of an app in this browser: its CSRF token, which all pages of the app share, and logging in and out.

import { attempt, showError } from "./dialogs";
import type { AskLogIn } from "./login";
import { t } from "./words";

declare global {
  interface Window {
    /** Custom scripts may define these (docs: customising). */
    moxliteBeforeDisplay?: (root: HTMLElement) => void;
    moxBeforeDisplay?: (root: HTMLElement) => void;
  }
}

/** The calls of every app's client. */
export interface LogInClient {
  csrfToken: string;
  login_prep(): Promise<string>;
  login(login_token: string, username: string, password: string): Promise<{ csrf_token: string; login_address: string }>;
  logout(): Promise<null>;
}

export class Session {
  private readonly csrfKey: string;
  private readonly addressKey: string;
  /** Address of the user whose page this is; "" before the first log-in. */
  private address = "";

  /** `app` is its name in the browser's storage, `title` on the form; `ask` shows it. */
  constructor(
    app: string,
    private readonly title: string,
    private readonly client: LogInClient,
    private readonly ask: AskLogIn,
  ) {
    this.csrfKey = `moxlite-${app}-csrf`;
    this.addressKey = `moxlite-${app}-address`;
  }

  /** Take up what another page has left; false: there is nothing, the form comes first. */
  resume(): boolean {
    addEventListener("storage", (event) => {
      if (event.key === this.csrfKey) this.client.csrfToken = event.newValue ?? "";
      // another user has logged in: what is shown here is not theirs
      if (event.key === this.addressKey && event.newValue !== null && this.address !== "" && event.newValue !== this.address) location.reload();
    });
    this.address = localStorage.getItem(this.addressKey) ?? "";
    this.client.csrfToken = localStorage.getItem(this.csrfKey) ?? "";
    return this.client.csrfToken !== "";
  }

  /** Show the form until a log-in succeeds; true when it is another user than before. `below` stands under the form. */
  async logIn(reason: string, below: Node[] = []): Promise<boolean> {
    const before = this.address;
    await this.ask(
      this.title,
      reason,
      before,
      async (username, password) => {
        const token = await this.client.login_prep();
        const result = await this.client.login(token, username, password);
        this.client.csrfToken = result.csrf_token;
        this.address = result.login_address;
        localStorage.setItem(this.csrfKey, result.csrf_token);
        localStorage.setItem(this.addressKey, result.login_address);
      },
      below,
    );
    return before !== "" && before !== this.address;
  }

  /** End the session and show the page anew. */
  async logOut(): Promise<void> {
    if (!(await attempt(t("Logging out"), () => this.client.logout()))) return;
    localStorage.removeItem(this.csrfKey);
    localStorage.removeItem(this.addressKey);
    location.hash = "";
    location.reload();
  }
}

/** Give custom scripts their turn before something is shown. */
export function beforeDisplay(root: HTMLElement): void {
  const hook = window.moxliteBeforeDisplay ?? window.moxBeforeDisplay;
  try {
    hook?.(root);
  } catch (error) {
    void showError(t("The custom script of this server failed"), error);
  }
}
