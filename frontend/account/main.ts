// The account app: a frame with sections, one of which is shown.

import { Client, checks } from "../gen/account";
import { askConfirm } from "../lib/confirm";
import { setStatus, showError } from "../lib/dialogs";
import { brand, byId, el, fill, icon } from "../lib/dom";
import { size } from "../lib/numbers";
import { askLogIn } from "../lib/login";
import { Session, beforeDisplay } from "../lib/session";
import { t } from "../lib/words";
import { recover, recoveryToken } from "./recover";
import { Transfer } from "./transfer";

const base = document.location.pathname.replace(/[^/]*$/, "");

/** A section of the app, by its name in the address. */
interface Section {
  readonly title: string;
  readonly root: HTMLElement;
  /** Fill the section with data of the server; throws an error with a text for the user. */
  show(): Promise<void>;
}

class App {
  private readonly client: Client = new Client(base, checks, (reason) => this.logIn(reason));
  private readonly session = new Session("account", t("Account"), this.client, askLogIn);
  private readonly sections: Record<string, Section> = { transfer: new Transfer(this.client, base, () => void this.overview()) };
  private readonly nav = el("nav", { class: "sections", "aria-label": t("Sections") });
  private readonly page = el("main", { class: "page", id: "page" });
  private readonly address = el("span", { class: "account-address" });
  private readonly usage = el("span", { class: "usage" });
  private readonly webmail = el("a", { hidden: true }, "Webmail");
  private displayed = false;

  async start(): Promise<void> {
    this.client.confirmAgain = () => askConfirm(this.client);
    const token = recoveryToken(location.hash);
    if (token !== "") await recover(this.client, token);
    const known = this.session.resume();
    addEventListener("hashchange", () => void this.open());
    fill(
      byId("app", HTMLElement),
      el(
        "aside",
        { class: "side" },
        brand(),
        this.nav,
        el(
          "div",
          { class: "account" },
          this.address,
          this.usage,
          el("div", { class: "account-links" }, this.webmail, el("button", { class: "link", onclick: () => void this.session.logOut() }, t("Log out"))),
        ),
      ),
      this.page,
    );
    try {
      const apps = await this.client.apps();
      this.webmail.hidden = apps.webmail === "";
      this.webmail.href = apps.webmail;
      if (!known) await this.logIn("");
      await this.open();
    } catch (error) {
      await showError(t("The account cannot be shown"), error);
    }
  }

  private async logIn(reason: string): Promise<void> {
    const webmail = this.webmail.hidden ? [] : [el("p", { class: "login-below" }, el("a", { href: this.webmail.href }, t("Your mail is in the webmail")))];
    if ((await this.session.logIn(reason, webmail)) && this.displayed) location.reload();
  }

  /** Show the login address, and how much of the account is in use. */
  private async overview(): Promise<void> {
    const overview = await this.client.overview();
    fill(this.address, overview.login_address);
    const values = { used: size(overview.storage_used), limit: size(overview.storage_limit) };
    fill(this.usage, overview.storage_limit === 0 ? t("{used} used", values) : t("{used} of {limit} used", values));
  }

  /** Show the section that the address names, or the first. */
  private async open(): Promise<void> {
    const names = Object.keys(this.sections);
    const wanted = location.hash.slice(1);
    const name = names.includes(wanted) ? wanted : names[0]!;
    const section = this.sections[name]!;
    await this.overview();
    fill(
      this.nav,
      names.map((other) =>
        el("a", { class: "section-link", href: `#${other}`, "aria-current": other === name ? "page" : undefined }, icon("M3 5.5h9.5 M10 3l2.5 2.5L10 8 M13 10.5H3.5 M6 8l-2.5 2.5L6 13"), this.sections[other]!.title),
      ),
    );
    await section.show();
    document.title = `${section.title} · moxlite`;
    fill(this.page, section.root);
    beforeDisplay(section.root);
    byId("app", HTMLElement).hidden = false;
    this.displayed = true;
  }
}

addEventListener("error", (event) => void showError(t("Something went wrong in this page"), event.error ?? event.message));
addEventListener("unhandledrejection", (event) => void showError(t("Something went wrong in this page"), event.reason));
setStatus("");
void new App().start();
