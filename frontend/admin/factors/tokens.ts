// Tokens of programs that use the admin API.

import type { AdminTokenInfo } from "../../gen/admin";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { choice, line, tick } from "../../lib/fields";
import { keyRound, plus } from "../../lib/icons";
import { button, card, copyable, foreign, table } from "../../lib/pages";
import { empty, state } from "../../lib/states";
import { t } from "../../lib/words";
import type { Desk } from "../ui/page";
import { fieldDialog, showSecret } from "../ui/shared";

const scopes = [
  ["read", t("Read everything")],
  ["accounts", t("Accounts")],
  ["domains", t("Domains and aliases")],
  ["queue", t("Queue and webhooks")],
  ["reports", t("Reports")],
  ["dns", t("DNS records and key rotation")],
  ["server", t("Certificates")],
] as const;

export async function tokens(desk: Desk): Promise<Child> {
  const made = await desk.client.admin_token_list();
  const add = button(t("Create token…"), () => void make(desk), { kind: "line small", icon: plus });
  const hint = t("Use tokens to manage this server from API clients. For the API reference, see {url}.", {
    url: new URL("v1/openapi.json", location.href).href,
  });
  if (made.length === 0) return card(t("API tokens"), empty(keyRound, t("No tokens yet"), hint, add), { flush: true });
  const rows = table(
    t("API tokens"),
    [
      { title: t("Name"), kind: "main", cell: (one) => el("b", {}, foreign(one.name)) },
      { title: t("Permissions"), cell: (one) => one.scopes.join(", ") },
      {
        title: t("Last used"),
        cell: (one) =>
          one.last_used === ""
            ? t("never")
            : el("span", {}, one.last_used, el("span", { class: "hint" }, ` ${one.used_from}`)),
      },
      {
        title: t("Expires"),
        cell: (one) => (one.expired ? state("off", t("expired")) : el("span", { class: "nowrap" }, one.expires)),
      },
      {
        title: "",
        kind: "num",
        cell: (one) =>
          button(t("Revoke"), () => void revoke(desk, one), {
            kind: "line small",
            name: t("Revoke {name}", { name: one.name }),
          }),
      },
    ],
    made,
  );
  return card(t("API tokens"), rows, { flush: true, actions: add, hint });
}

async function make(desk: Desk): Promise<void> {
  const name = line(t("API client name"), "", null, { maxlength: "64", autofocus: "" });
  const uses = scopes.map(([scope, words]) => tick(words, scope === "read"));
  const days = choice(
    t("Expires"),
    [
      ["30", t("in 30 days")],
      ["90", t("in 90 days")],
      ["365", t("in 1 year")],
    ],
    "365",
  );
  const group = el(
    "fieldset",
    { class: "group" },
    el("legend", {}, t("Permissions")),
    uses.map((one) => one.root),
  );
  const token = await fieldDialog(
    t("New API token"),
    t("Create token"),
    { name, scopes: { root: group, control: group, problem: (text: string) => uses[0]!.problem(text) }, days },
    () =>
      desk.client.admin_token_add(
        name.control.value,
        scopes.filter((_, i) => uses[i]!.control.checked).map(([scope]) => scope),
        Number(days.control.value),
      ),
    el("p", { class: "hint" }, t("Tokens can't set passwords, create tokens, or delete accounts or domains.")),
  );
  if (token === null) return;
  await showSecret(t("API token"), t("Copy this now. You won't be able to see it again."), copyable(token));
  await desk.refresh();
}

async function revoke(desk: Desk, one: AdminTokenInfo): Promise<void> {
  const sure = await confirm(
    t("Revoke “{name}”?", { name: one.name }),
    t("This will disconnect the API client immediately."),
    t("Revoke"),
  );
  if (sure && (await attempt(t("Revoking…"), t("Couldn't revoke token"), () => desk.client.admin_token_rm(one.name))))
    await desk.refresh();
}
