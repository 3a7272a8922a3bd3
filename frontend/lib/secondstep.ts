// The form for a second factor: at log-in, and when a sensitive action asks again (WEB-151, WEB-63a).

import type { SecondStep } from "./factortypes";
import { el, fill, placed, sign } from "./dom";
import { keyRound, octagonAlert } from "./icons";
import { keysKnown, useKey } from "./webauthn";
import { locale, t } from "./words";

export type FactorKind = "totp" | "key" | "recovery";

/** Try a factor; throws an error with a text for the user. */
export type TryFactor = (kind: FactorKind, code: string) => Promise<void>;

/** A log-in that waits for its second factor. */
export interface Asked {
  readonly step: SecondStep;
  readonly finish: TryFactor;
}

/** The form; `done` is called after a factor was right. A code of six digits is tried as soon as it is typed. `again` returns a fresh
 * request for a key, because a request serves once. */
export function secondStepForm(
  asked: Asked,
  done: () => void,
  again: () => void,
): { root: HTMLElement; focus: () => void } {
  const { step } = asked;
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  const withKey = step.keys.length > 0 && keysKnown();
  let kind: FactorKind = step.apps.length > 0 ? "totp" : withKey || !step.codes ? "key" : "recovery";
  let busy = false;
  let keySpent = false;

  const code = el("input", {
    class: "input code",
    name: "code",
    autocomplete: "one-time-code",
    autocapitalize: "none",
    spellcheck: "false",
    required: true,
  });
  const label = el("label", { class: "field" });
  const send = el("button", { class: "btn primary", type: "submit" }, t("Continue"));
  const key = el(
    "button",
    { class: "btn line", type: "button", hidden: !withKey, onclick: () => void attempt("key") },
    sign(keyRound),
    el("span", {}, keyWords(step.keys)),
  );
  const other = el("button", {
    class: "btn text small",
    type: "button",
    onclick: () => choose(kind === "recovery" ? "totp" : "recovery"),
  });
  const intro = el("p", { class: "two" });
  const form = el(
    "form",
    {
      class: "form",
      onsubmit: (event: Event) => {
        event.preventDefault();
        void attempt(kind);
      },
    },
    label,
    problem,
    send,
    key,
  );
  code.addEventListener("input", () => {
    problem.hidden = true;
    if (kind === "totp" && code.value.replace(/\s/g, "").length === 6) void attempt("totp");
  });

  async function attempt(by: FactorKind): Promise<void> {
    if (busy) return;
    busy = true;
    for (const one of [send, key, code]) one.disabled = true;
    try {
      if (by === "key" && keySpent) return again();
      if (by === "key") {
        const given = await useKey(step.key_request);
        keySpent = true;
        await asked.finish("key", given);
      } else {
        await asked.finish(by, code.value);
      }
      done();
    } catch (error) {
      problem.hidden = false;
      fill(problem, sign(octagonAlert, "i s"), el("span", {}, error instanceof Error ? error.message : String(error)));
    } finally {
      busy = false;
      for (const one of [send, key, code]) one.disabled = false;
      if (!problem.hidden && by !== "key") {
        code.select();
        code.focus();
      }
    }
  }

  function choose(next: FactorKind): void {
    kind = next;
    const typed = kind !== "key";
    problem.hidden = true;
    label.hidden = !typed;
    send.hidden = !typed;
    code.value = "";
    code.inputMode = kind === "totp" ? "numeric" : "text";
    code.maxLength = kind === "totp" ? 9 : 40;
    fill(label, kind === "totp" ? t("Code") : t("Recovery code"), code);
    fill(intro, introduction());
    other.hidden = !(step.codes || kind === "recovery") || (kind === "recovery" && step.apps.length === 0);
    fill(other, kind === "recovery" ? t("Use authenticator app") : t("Use recovery code"));
    focus();
  }

  function introduction(): string {
    if (kind === "recovery") return t("Enter a recovery code. Each code works once.");
    if (kind === "key")
      return withKey ? t("Use your security key.") : t("Your security keys don't work at this address.");
    return step.apps.length === 1
      ? t("Enter the code from “{name}”.", { name: step.apps[0]! })
      : t("Enter a code from {names}.", { names: step.apps.join(", ") });
  }

  function focus(): void {
    (kind === "key" ? key : code).focus();
  }

  const elsewhere = step.keys_elsewhere.map((one) =>
    el("li", {}, t("The key “{name}” only works at {host}.", { name: one.name, host: one.host })),
  );
  const clock = el("span", {}, serverClock(step.server_time));
  const root = el(
    "div",
    { class: "second-step" },
    el("h2", {}, t("Verify it's you")),
    intro,
    form,
    elsewhere.length > 0 && el("ul", { class: "hint" }, elsewhere),
    el("p", { class: "hint second-step-foot" }, other, step.apps.length > 0 && clock),
  );
  choose(kind);
  return { root, focus };
}

function keyWords(names: readonly string[]): string {
  return names.length === 1 ? t("Use key “{name}”", { name: names[0]! }) : t("Use security key");
}

/** The server's time, running on: codes depend on it, and the clock of a device may be wrong. */
export function serverClock(at: number): HTMLElement {
  const began = performance.now();
  const format = new Intl.DateTimeFormat(locale(), { hour: "numeric", minute: "2-digit", second: "2-digit" });
  const shown = el("time", {});
  const show = () => (shown.textContent = format.format(at + performance.now() - began));
  show();
  const timer = setInterval(() => (shown.isConnected ? show() : clearInterval(timer)), 1000);
  return el("span", {}, placed(t("The server's time is {time}"), { time: shown }));
}
