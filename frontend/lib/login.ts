// The log-in form over the page. The page below it stays as it is, so nothing is lost when a session ends.

import { brand, el, fill } from "./dom";
import { holdFocus } from "./focus";
import type { LoginResult } from "./factortypes";
import { type Answer, answered, goAway, setProvided } from "./provider";
import { forgetSearches } from "./searched";
import { type Asked, type FactorKind, secondStepForm } from "./secondstep";
import { t } from "./words";

/** The calls of every app's client that the session and its form use. */
export interface LogInClient {
  csrfToken: string;
  login_prep(): Promise<string>;
  login(login_token: string, username: string, password: string, stay: boolean): Promise<LoginResult>;
  login_factor(token: string, kind: FactorKind, code: string, stay: boolean): Promise<LoginResult>;
  logout(): Promise<null>;
  provider_name(): Promise<string>;
  provider_login(stay: boolean): Promise<string>;
  provider_finish(answer: Answer): Promise<LoginResult>;
  provider_logout(): Promise<string>;
}

/** A log-in that a form asks for. */
export interface LogInAsked {
  /** The app's name. */
  readonly title: string;
  readonly reason: string;
  /** The known address, or ""; null: the app has one user, and asks for the password alone. */
  readonly address: string | null;
  /** Shown under the form. */
  readonly below: Node[];
  /** Whether users may stay logged in, if the browser reaches the server over https, or on its own machine (WEBMAIL-22a). */
  readonly stays: boolean;
  readonly client: LogInClient;
  /** Keep the session that a log-in began. */
  begin(result: LoginResult): void;
}

/** Show the form until a log-in succeeds. */
export type AskLogIn = (asked: LogInAsked) => Promise<void>;

/** What few log-ins need: the second step, and the way to a login provider and back. */
interface Further {
  readonly secondStepForm: typeof secondStepForm;
  readonly answered: typeof answered;
  readonly goAway: typeof goAway;
  readonly setProvided: typeof setProvided;
}

/** The log-in form of an app that has all of it at hand. */
export const askLogIn: AskLogIn = (asked) =>
  logInForm(asked, async () => ({ secondStepForm, answered, goAway, setProvided }));

/** Show the form until a log-in succeeds; the focus is restored after that. `further` fetches what few log-ins need. */
export function logInForm(
  { title, reason, address, below, stays, client, begin }: LogInAsked,
  further: () => Promise<Further>,
): Promise<void> {
  const keep = (result: LoginResult) => {
    if (address !== null && result.login_address !== address) forgetSearches();
    begin(result);
  };
  /** Null after a log-in, or the second step that it needs. */
  const started = (result: LoginResult, stay: boolean): Asked | null => {
    const step = result.second_step;
    if (step === null) keep(result);
    return (
      step && {
        step,
        finish: async (kind, code) => keep(await client.login_factor(step.token, kind, code, stay)),
      }
    );
  };
  const tryLogIn = async (username: string, password: string, stay: boolean) => {
    const token = await client.login_prep();
    return started(await client.login(token, username, password, stay), stay);
  };
  /** Log in by the answer of the provider in the address; undefined if it isn't for this form. */
  const comeBack = async () => {
    const { answered, setProvided } = await further();
    const back = answered("login");
    if (back === null) return;
    const asked = started(await client.provider_finish(back.answer), back.stay);
    setProvided(true);
    return asked;
  };
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
    const attempt = async (logIn: () => Promise<Asked | null | undefined>) => {
      button.disabled = other.disabled = true;
      try {
        const asked = await logIn();
        if (asked === null) finish();
        else if (asked !== undefined) await ask(asked);
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
      el("h1", {}, title),
      problem,
      address !== null && el("label", { class: "field" }, t("Email address"), username),
      el("label", { class: "field" }, t("Password"), password),
      stays && isSecureContext && el("label", { class: "check" }, stay, t("Keep me logged in on this device")),
      button,
      other,
      below,
    );
    const overlay = el("dialog", { class: "login-overlay", "aria-label": t("Log in to {app}", { app: title }) }, form);
    const finish = () => {
      // not closed: Chromium would restore the focus itself, without a caret, and typed text would not be entered
      overlay.remove();
      giveBack();
      resolve();
    };
    const ask = async (asked: Asked) => {
      const back = () => {
        second.remove();
        form.hidden = false;
        password.focus();
      };
      const made = (await further()).secondStepForm(asked, finish, () => {
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
    if (new URLSearchParams(location.search).has("state")) void attempt(comeBack);
    other.onclick = () =>
      void attempt(async () =>
        (await further()).goAway("login", await client.provider_login(stay.checked), stay.checked),
      );
    client.provider_name().then(
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
