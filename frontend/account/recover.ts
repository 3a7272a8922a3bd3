// The page of a recovery link (WEB-151a): `#recover=TOKEN`. Looking does not use the link up; its button does.

import type { RecoveryInfo } from "../gen/account";
import { brand, el, fill, placed, sign } from "../lib/dom";
import { octagonAlert } from "../lib/icons";
import { t } from "../lib/words";

/** The calls about recovery links. */
interface RecoveryClient {
  recovery_info(token: string): Promise<RecoveryInfo>;
  recover(token: string, password: string): Promise<string>;
}

/** The token in the address of a recovery link; "" if it is another address. */
export function recoveryToken(hash: string): string {
  return /^#recover=([\w-]{1,64})$/.exec(hash)?.[1] ?? "";
}

/** Show the page of a link until the user goes on to the log-in. The token leaves the address at once, so that it stays in no
 * history. */
export async function recover(client: RecoveryClient, token: string): Promise<void> {
  history.replaceState(null, "", location.pathname);
  const place = el("main", { class: "login" }, brand(), el("h1", {}, t("Set your password")));
  const overlay = el("dialog", { class: "login-overlay", "aria-label": t("Set your password") }, place);
  overlay.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(overlay);
  overlay.showModal();
  await new Promise<void>((resolve) => {
    const goOn = el("button", { class: "btn primary", type: "button", onclick: () => resolve() }, t("Go to login"));
    const end = (...content: Node[]) => {
      fill(place, brand(), el("h1", {}, t("Set your password")), content, goOn);
      goOn.focus();
    };
    client.recovery_info(token).then(
      (info) => place.append(passwordForm(client, token, info, end)),
      (error: unknown) => end(problem(error)),
    );
  });
  overlay.remove();
}

function passwordForm(
  client: RecoveryClient,
  token: string,
  info: RecoveryInfo,
  end: (...content: Node[]) => void,
): HTMLElement {
  const password = el("input", {
    type: "password",
    name: "new-password",
    autocomplete: "new-password",
    minlength: "8",
    required: true,
  });
  const wrong = el("div", {});
  const send = el(
    "button",
    { class: "btn primary", type: "submit" },
    info.generated ? t("Generate a new password") : t("Set password"),
  );
  return el(
    "form",
    {
      class: "login",
      onsubmit: async (event: Event) => {
        event.preventDefault();
        send.disabled = true;
        try {
          const made = await client.recover(token, password.value);
          const said = el("p", { role: "status" }, t("Password updated. You've been logged out everywhere else."));
          end(
            said,
            ...(made === ""
              ? []
              : [
                  el("p", {}, t("Save this password now. You won't be able to see it again:")),
                  el("p", {}, el("code", {}, made)),
                ]),
          );
        } catch (error) {
          fill(wrong, problem(error));
          send.disabled = false;
          password.focus();
        }
      },
    },
    el(
      "p",
      { class: "two" },
      placed(t("For the account {account}."), { account: el("b", {}, el("bdi", {}, info.account)) }),
    ),
    !info.generated && el("label", { class: "field" }, t("New password"), password),
    info.reset_factors &&
      el(
        "p",
        { class: "hint" },
        t("Your verification methods will be removed too. Set up two-step verification again afterward."),
      ),
    wrong,
    send,
  );
}

function problem(error: unknown): HTMLElement {
  return el(
    "p",
    { class: "error", role: "alert" },
    sign(octagonAlert, "i s"),
    el("span", {}, error instanceof Error ? error.message : String(error)),
  );
}
