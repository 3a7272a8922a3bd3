// The session of an app in this browser: logging in, and the CSRF token, which all pages of the app share.

import type { LoginResult } from "./factortypes";
import { showError } from "./dialogs";
import type { AskLogIn, LogInClient } from "./login";
import { leave } from "./reload";
import { remember } from "./stored";
import { toast } from "./toasts";
import { t } from "./words";

declare global {
  interface Window {
    /** Custom scripts may define these (docs: customising). */
    moxliteBeforeDisplay?: (root: HTMLElement) => void;
    moxBeforeDisplay?: (root: HTMLElement) => void;
  }
}

export class Session {
  protected readonly csrfKey: string;
  private readonly addressKey: string;
  /** Login address of this page's user; "" before the first log-in. */
  protected address = "";
  /** The log-in whose form is shown. */
  private running: Promise<boolean> | null = null;
  /** Whether another user has logged in, for whom the page is loaded anew. */
  private left = false;

  /** `app` begins its names in the browser's storage, `title` is shown on the form, `ask` shows the form. Without `named` users have
   * no address. With `stays` they may stay logged in. */
  constructor(
    readonly app: string,
    private readonly title: string,
    readonly client: LogInClient,
    private readonly ask: AskLogIn,
    private readonly named = true,
    private readonly stays = false,
  ) {
    this.csrfKey = `${app}-csrf`;
    this.addressKey = `${app}-address`;
  }

  /** Use the session of another page of the app; false if there is no session and the form comes first. */
  resume(): boolean {
    addEventListener("storage", (event) => {
      if (event.key === this.csrfKey && !this.left) this.client.csrfToken = event.newValue ?? "";
      // another user has logged in: the page shows data of the previous one
      if (event.key === this.addressKey && event.newValue && this.address && event.newValue !== this.address)
        void this.leave();
    });
    this.address = localStorage.getItem(this.addressKey) ?? "";
    this.client.csrfToken = localStorage.getItem(this.csrfKey) ?? "";
    return this.client.csrfToken !== "";
  }

  /** Show the form until a log-in succeeds; true if it is another user than before. `below` is shown under the form. While the form
   * is shown, all who want a log-in wait for it. */
  logIn(reason: string, below: Node[] = []): Promise<boolean> {
    this.running ??= this.askOnce(reason, below).finally(() => (this.running = null));
    return this.running;
  }

  /** Load the page anew for another user. Never resolves: what waits for the log-in is the first user's, and would be done in the
   * other's account. */
  leave(): Promise<never> {
    this.left = true;
    this.client.csrfToken = "";
    leave();
    return new Promise(() => {});
  }

  protected async askOnce(reason: string, below: Node[]): Promise<boolean> {
    const before = this.address;
    await this.ask({
      title: this.title,
      reason,
      address: this.named ? before : null,
      below,
      stays: this.stays,
      client: this.client,
      begin: (result) => this.begin(result),
    });
    return before !== "" && before !== this.address;
  }

  /** Keep the session that a log-in began, for all pages of the app. */
  protected begin(result: LoginResult): void {
    this.client.csrfToken = result.csrf_token;
    this.address = result.login_address;
    // first of all: other pages must know that it is another user before they have that user's token
    const kept = remember(this.addressKey, result.login_address) && remember(this.csrfKey, result.csrf_token);
    // there while this browser stays logged in
    const device = `${this.app}-stays`;
    if (result.device) remember(device, "1");
    else localStorage.removeItem(device);
    if (!kept) toast(t("Your browser's storage is full, so a reload will log you out."));
  }
}

/** Call the hooks of custom scripts before something is shown. */
export function beforeDisplay(root: HTMLElement): void {
  const hook = window.moxliteBeforeDisplay ?? window.moxBeforeDisplay;
  try {
    hook?.(root);
  } catch (error) {
    void showError(t("Couldn't run this server's custom script"), error);
  }
}
