// The ways in to the admin app: its password, two-step log-in, and tokens of programs; and the login provider of all apps.

import { firstWays, type Ways, waysCard } from "../../account/security/ways";
import { el } from "../../lib/dom";
import { factorsCard } from "../../lib/factors";
import { field } from "../../lib/fields";
import { button, card, head } from "../../lib/pages";
import { many, t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { fieldDialog } from "../ui/shared";
import { providerPage } from "./provider";
import { tokens } from "./tokens";

async function changePassword(desk: Desk): Promise<void> {
  const first = field(
    t("New password"),
    el("input", { type: "password", autocomplete: "new-password" }),
    t("Use at least 8 characters. For example, 3 or 4 random words."),
  );
  const second = field(t("Confirm new password"), el("input", { type: "password", autocomplete: "new-password" }));
  const ended = await fieldDialog(
    t("Change admin password"),
    t("Change password"),
    { password: first, again: second },
    async () => {
      if (first.control.value !== second.control.value) {
        second.problem(t("Passwords don't match."));
        throw new Error(t("Your changes weren't saved."));
      }
      return desk.client.password_change(first.control.value);
    },
  );
  if (ended === null) return;
  desk.say(many(ended, "Password changed. {n} other session ended.", "Password changed. {n} other sessions ended."));
  await desk.refresh();
}

const twoStep: MakePage = async (desk) => {
  const title = t("Login");
  const lost = el(
    "p",
    { class: "hint" },
    t("If you lose all your devices, run this on the server: {command}", {
      command: "moxlite admin reset-second-factor",
    }),
  );
  const password = card(
    t("Password"),
    el("p", { class: "two" }, t("Only used for this app. If you change the password, all other sessions will end.")),
    { actions: button(t("Change password…"), () => void changePassword(desk), { kind: "line small" }) },
  );
  return {
    title,
    root: el(
      "div",
      { class: "page" },
      head(title, t("Login settings for you and your API clients.")),
      el("div", { class: "stack" }, password, await factorsCard(desk.client, false), lost, await tokens(desk)),
    ),
  };
};

export const pages: Readonly<Record<string, MakePage>> = { "two-step": twoStep, provider: providerPage };

/** The part as the page of an account uses it. */
export interface AccessPart {
  access(desk: Desk, name: string): Promise<HTMLElement>;
}

/** Who and what has access to an account. */
export async function access(desk: Desk, name: string): Promise<HTMLElement> {
  const ways: Ways = {
    page: (after, count) => desk.client.account_access(0, after, count, name),
    remove: (id) => desk.client.account_remove_access(id, name),
    refresh: () => desk.refresh(),
  };
  const hint = t("Everything that was set up, newest first, with when, by whom, and from where.");
  return waysCard(t("Who and what has access to this account"), hint, await firstWays(ways), ways);
}
