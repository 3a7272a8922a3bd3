// The ways in to the admin app: its password, two-step log-in, and tokens of programs; and the login provider of all apps.

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
