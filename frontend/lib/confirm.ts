// The dialog of a sensitive action: the password or a second factor again, unless given within ten minutes (WEB-63a).

import type { SecondStep } from "./factortypes";
import { dialog } from "./dialogs";
import { el, fill, sign } from "./dom";
import { octagonAlert } from "./icons";
import { confirmAway, type ProviderConfirm, provided } from "./provider";
import { type FactorKind, secondStepForm } from "./secondstep";
import { t } from "./words";

/** The calls by which a user confirms, of every client that has sensitive calls. */
export interface ConfirmClient extends ProviderConfirm {
  confirm_options(): Promise<SecondStep>;
  confirm(kind: FactorKind | "password", code: string): Promise<null>;
}

/** Ask until the user has confirmed, and say `why`; false if the user gave up. */
export async function askConfirm(
  client: ConfirmClient,
  why = t("To confirm this change, enter your password again."),
): Promise<boolean> {
  const [step, name] = await Promise.all([client.confirm_options(), provided() ? client.provider_name!() : ""]);
  const answer = await dialog<boolean>(t("Confirm it's you"), (close) => {
    const place = el("div", {});
    const factors = step.apps.length > 0 || step.keys.length > 0 || step.codes;
    const problem = el("p", { class: "error", role: "alert", hidden: true });
    const password = el("input", {
      class: "input",
      type: "password",
      name: "password",
      autocomplete: "current-password",
      required: true,
      autofocus: true,
    });
    const fail = (error: unknown) => {
      problem.hidden = false;
      fill(problem, sign(octagonAlert, "i s"), el("span", {}, error instanceof Error ? error.message : String(error)));
    };
    const send = el("button", { class: "btn primary", type: "submit" }, t("Continue"));
    const form = el(
      "form",
      {
        class: "form",
        onsubmit: async (event: Event) => {
          event.preventDefault();
          send.disabled = true;
          try {
            await client.confirm("password", password.value);
            close(true);
          } catch (error) {
            fail(error);
            password.select();
          } finally {
            send.disabled = false;
          }
        },
      },
      el("label", { class: "field" }, t("Password"), password),
      problem,
      el(
        "div",
        { class: "dialog-buttons" },
        name !== "" &&
          el(
            "button",
            {
              class: "btn text",
              type: "button",
              onclick: () => void confirmAway(client, () => close(true)).catch(fail),
            },
            t("Log in with {name}", { name }),
          ),
        factors &&
          el("button", { class: "btn text", type: "button", onclick: () => byFactor(step) }, t("Verify another way")),
        el("button", { class: "btn line", type: "button", onclick: () => close(false) }, t("Cancel")),
        send,
      ),
    );
    const byFactor = (shown: SecondStep) => {
      const made = secondStepForm(
        { step: shown, finish: async (kind, code) => void (await client.confirm(kind, code)) },
        () => close(true),
        () => void client.confirm_options().then(byFactor),
      );
      fill(
        place,
        made.root,
        el(
          "div",
          { class: "dialog-buttons" },
          el("button", { class: "btn line", type: "button", onclick: () => close(false) }, t("Cancel")),
        ),
      );
      made.focus();
    };
    fill(place, el("p", { class: "dialog-text" }, why), form);
    return [place];
  });
  return answer === true;
}
