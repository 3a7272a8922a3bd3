// The log-in form over the page. The page below it stays as it is, so nothing is lost when a session ends.

import { brand, el, fill } from "./dom";
import { holdFocus } from "./focus";
import { type Answer, answered, goAway } from "./provider";
import { type Asked, secondStepForm } from "./secondstep";
import { t } from "./words";

/** Try to log in: null after a log-in, or the second step that it needs. Throws an error with a text for the user. */
export type TryLogIn = (username: string, password: string, stay: boolean) => Promise<Asked | null>;

/** Log-in by the login provider. */
export interface ProviderLogIn {
  /** The provider's name, "" without one. */
  name(): Promise<string>;
  /** Begin: the address to go to. */
  begin(stay: boolean): Promise<string>;
  /** As `TryLogIn`, with the provider's answer. */
  finish(answer: Answer, stay: boolean): Promise<Asked | null>;
}

export type AskLogIn = typeof askLogIn;

/** Show the form, with a known address, until a log-in succeeds; `below` is shown under the form. The focus is restored after
 * that. `address` null: the app has one user, and asks for the password alone. With `stays` users may stay logged in, if the
 * browser reaches the server over https, or on its own machine (WEBMAIL-22a). */
export function askLogIn(
  app: string,
  reason: string,
  address: string | null,
  tryLogIn: TryLogIn,
  below: Node[] = [],
  stays = false,
  provider?: ProviderLogIn,
): Promise<void> {
  return new Promise((resolve) => {
    const giveBack = holdFocus();
    const problem = el("p", { class: "login-problem", role: "alert" }, reason);
    const username = el("input", {
      name: "username",
      inputmode: "email",
      autocomplete: "username",
      autocapitalize: "none",
      spellcheck: "false",
      required: true,
      value: address ?? "",
    });
    const password = el("input", {
      name: "password",
      type: "password",
      autocomplete: "current-password",
      required: true,
    });
    const stay = el("input", { type: "checkbox", name: "stay" });
    const button = el("button", { class: "btn primary", type: "submit" }, t("Log in"));
    const other = el("button", { class: "btn line", type: "button", hidden: true });
    problem.hidden = reason === "";
    const attempt = async (logIn: () => Promise<Asked | null>) => {
      button.disabled = other.disabled = true;
      try {
        const asked = await logIn();
        if (asked === null) finish();
        else ask(asked);
      } catch (error) {
        problem.hidden = false;
        fill(problem, linked(error instanceof Error ? error.message : String(error)));
        password.select();
      } finally {
        button.disabled = other.disabled = false;
      }
    };
    const form = el(
      "form",
      {
        class: "login",
        onsubmit: async (event: Event) => {
          event.preventDefault();
          await attempt(() => tryLogIn(username.value, password.value, stay.checked));
        },
      },
      brand(),
      el("h1", {}, app),
      problem,
      address !== null && el("label", { class: "field" }, t("Email address"), username),
      el("label", { class: "field" }, t("Password"), password),
      stays && isSecureContext && el("label", { class: "check" }, stay, t("Keep me logged in on this device")),
      button,
      other,
      below,
    );
    const overlay = el("dialog", { class: "login-overlay", "aria-label": t("Log in to {app}", { app }) }, form);
    const finish = () => {
      // not closed: Chromium would restore the focus itself, without a caret, and typed text would not be entered
      overlay.remove();
      giveBack();
      resolve();
    };
    const ask = (asked: Asked) => {
      const back = () => {
        second.remove();
        form.hidden = false;
        password.focus();
      };
      const made = secondStepForm(asked, finish, () => {
        second.remove();
        form.hidden = false;
        if (password.value !== "") form.requestSubmit(); // the password is still there: a new request for the key
      });
      const second = el(
        "div",
        { class: "login" },
        brand(),
        made.root,
        el("button", { class: "btn text small", type: "button", onclick: back }, t("Back")),
      );
      form.hidden = true;
      overlay.append(second);
      made.focus();
    };
    overlay.addEventListener("cancel", (event) => event.preventDefault());
    overlay.addEventListener("keydown", (event) => event.stopPropagation());
    document.body.append(overlay);
    overlay.showModal();
    (address === "" ? username : password).focus();
    if (provider === undefined) return;
    const back = answered("login");
    if (back !== null) void attempt(() => provider.finish(back.answer, back.stay));
    other.onclick = () => void attempt(async () => goAway("login", await provider.begin(stay.checked), stay.checked));
    provider.name().then(
      (name) => {
        fill(other, t("Log in with {name}", { name }));
        other.hidden = name === "";
      },
      () => null, // the form says at its use what is wrong
    );
  });
}

/** Text with its http addresses as links: the administrator's message to locked-out users may contain one. */
function linked(value: string): Node[] {
  return value
    .split(/(https?:\/\/[^\s<>"]+)/)
    .map((piece, i) =>
      i % 2 === 1
        ? el("a", { href: piece, target: "_blank", rel: "noopener noreferrer" }, piece)
        : document.createTextNode(piece),
    );
}
