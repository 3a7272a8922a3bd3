// The session of the account app: the webmail's of this browser if it hands it on, else one with a log-in of its own (WEB-51a).

import type { LoginResult } from "../gen/account";
import { forgetAccount, kept, number } from "../lib/beside";
import { askLogIn, type LogInClient } from "../lib/login";
import { forget } from "../lib/logout";
import { Session } from "../lib/session";
import { remember } from "../lib/stored";
import { t } from "../lib/words";

/** The calls of the client that this session uses. */
interface Client extends LogInClient {
  login_handed(token: string): Promise<LoginResult>;
}

/** CSRF token of the webmail, which the webmail's page keeps here. */
const webmailKey = `${kept()}-csrf`;
/** The webmail's CSRF token when it handed its session on: with another one, that session has ended. */
const handedKey = `moxlite-account${number}-handed`;
/** Attempts of a page within a minute: a browser that keeps no cookies is not to be asked in a loop. */
const most = 3;

export class AccountSession extends Session {
  private tried: number[] = [];
  /** Path of the webmail at this address, "" if it is elsewhere. */
  webmail = "";

  constructor(override readonly client: Client) {
    super(`moxlite-account${number}`, t("Account"), client, askLogIn);
  }

  override resume(): boolean {
    const handed = localStorage.getItem(handedKey);
    if (handed !== null && handed !== localStorage.getItem(webmailKey)) {
      localStorage.removeItem(handedKey);
      forget(this.app);
    }
    return super.resume();
  }

  protected override async askOnce(reason: string, below: Node[]): Promise<boolean> {
    const before = this.address;
    const known = this.client.csrfToken;
    const take = () => this.takeOver(known);
    // of two tabs, one waits for the other; without https there are no locks, and the slower one tries again
    const taken = await (isSecureContext ? navigator.locks.request(handedKey, take) : take());
    if (!taken) return super.askOnce(reason, below);
    return before !== "" && before !== this.address;
  }

  /** Take over the session of the webmail, without a question, or use the one that another tab took over since this one had the
   * token `known`. False without a session of the webmail. */
  private async takeOver(known: string): Promise<boolean> {
    const theirs = localStorage.getItem(this.csrfKey) ?? "";
    if (theirs !== "" && theirs !== known) {
      this.client.csrfToken = theirs;
      return true;
    }
    const csrf = localStorage.getItem(webmailKey);
    this.tried = this.tried.filter((at) => performance.now() - at < 60_000);
    if (csrf === null || this.webmail === "" || this.tried.length >= most) return false;
    this.tried.push(performance.now());
    try {
      const answer = await fetch(`${this.webmail}api/hand_on`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-moxlite-csrf": csrf },
        body: "{}",
      });
      if (!answer.ok) return false;
      const { result: token } = (await answer.json()) as { result: string };
      this.begin(await this.client.login_handed(token));
    } catch {
      return this.takeOver(known);
    }
    remember(handedKey, csrf);
    return true;
  }

  protected override begin(result: LoginResult): void {
    localStorage.removeItem(handedKey);
    super.begin(result);
  }

  /** The log-out of a session that was handed on is one of the webmail, too. */
  async forgetHanded(): Promise<void> {
    const handed = localStorage.getItem(handedKey) !== null;
    localStorage.removeItem(handedKey);
    if (handed) await forgetAccount(number);
  }
}
