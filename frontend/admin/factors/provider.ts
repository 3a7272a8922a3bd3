// The login provider: what is set, a check of a provider that may be, and what to write to moxlite.toml for it.

import type { ProviderSetup, ProviderTrial } from "../../gen/admin";
import { type Child, el, fill } from "../../lib/dom";
import { line, tick } from "../../lib/fields";
import { card, copyable, copyButton, foreign, head, pairs } from "../../lib/pages";
import { notice } from "../../lib/states";
import { t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { fieldForm } from "../ui/shared";

export const providerPage: MakePage = async (desk) => {
  const set = await desk.client.provider_setup();
  const title = t("Login provider");
  const root = el(
    "div",
    { class: "page" },
    head(title, t("Users log in with Authentik, Keycloak, Kanidm, Pocket ID, or another OpenID Connect provider.")),
    el("div", { class: "stack" }, current(set), check(desk, set)),
  );
  return { title, root };
};

function current(set: ProviderSetup): Child {
  if (set.issuer === "") return null;
  return card(
    t("In use"),
    pairs([
      [t("Name"), foreign(set.name)],
      [t("Issuer"), foreign(set.issuer)],
      [t("Administrators"), set.admin_group === "" ? t("only with the admin password") : foreign(set.admin_group)],
      ...set.shared.map((one) => [t("Shared mailbox"), foreign(`${one.account}: ${one.group}`)] as const),
    ]),
  );
}

function check(desk: Desk, set: ProviderSetup): Child {
  const issuer = line(t("Issuer"), set.issuer, t("For example, https://login.example.org/realms/home"), {
    inputmode: "url",
  });
  const client = line(t("Client ID"), set.client_id || "moxlite");
  const name = line(t("Name on the login button"), set.name);
  const group = line(t("Administrators' group"), set.admin_group, t("Leave blank to allow only the admin password."));
  const internal = tick(t("Provider is on my own network"), set.allow_internal);
  const below = el("div", { class: "stack", "aria-live": "polite" });
  const form = fieldForm({ issuer, client, name, group, internal }, t("Check provider"), async () => {
    fill(below);
    const found = await desk.client.provider_trial(issuer.control.value.trim(), internal.control.checked);
    const lines = [
      "[oidc]",
      `issuer = ${text(issuer.control.value)}`,
      `client_id = ${text(client.control.value)}`,
      'client_secret_file = "oidc-secret"',
      ...(name.control.value.trim() === "" ? [] : [`name = ${text(name.control.value)}`]),
      ...(internal.control.checked ? ["allow_internal = true"] : []),
      ...(group.control.value.trim() === "" ? [] : [`admin_group = ${text(group.control.value)}`]),
    ];
    fill(below, result(found), found.problems.length === 0 && [register(set), configure(lines.join("\n"))]);
  });
  return [card(t("Check a provider"), form), below];
}

/** A text as TOML has it. */
const text = (value: string): string => JSON.stringify(value.trim());

function result(found: ProviderTrial): Child {
  const list = (words: readonly string[]) =>
    el(
      "ul",
      {},
      words.map((one) => el("li", {}, foreign(one))),
    );
  if (found.problems.length > 0) return notice("danger", [t("You can't use this provider yet:"), list(found.problems)]);
  return [
    notice("ok", t("This provider works with moxlite.")),
    found.notes.length > 0 && notice("warn", [t("Some features won't be available:"), list(found.notes)]),
  ];
}

function register(set: ProviderSetup): Child {
  return card(
    t("Register with the provider"),
    pairs([
      ...set.pages.map((one) => [t("Redirect URI (login and logout)"), copyable(one)] as const),
      ...(set.logout === "" ? [] : [[t("Back-channel logout address"), copyable(set.logout)] as const]),
      [t("Flow"), t("authorization code with PKCE (S256)")],
    ]),
  );
}

function configure(lines: string): Child {
  return card(
    t("Add to moxlite.toml"),
    [
      el("pre", { class: "zone", tabindex: "0", "aria-label": t("Lines for moxlite.toml") }, lines),
      copyButton(() => lines, t("Copy")),
    ],
    {
      hint: t(
        "Save the client secret in the file oidc-secret next to moxlite.toml, readable by the server's user. Then restart the server.",
      ),
    },
  );
}
