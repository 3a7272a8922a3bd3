// Domains: the list, and the page of one with DNS, addresses, aliases, keys and settings.

import type { DomainDetail, DomainRow } from "../../gen/admin";
import { attempt } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { line, tick } from "../../lib/fields";
import { globe, plus } from "../../lib/icons";
import { button, card, head, table, tabs } from "../../lib/pages";
import { empty, notice } from "../../lib/states";
import { many, t } from "../../lib/words";
import { addressOf, type Desk, type PagePart } from "../ui/page";
import { fieldDialog, settingsForm, typedAgain } from "../ui/shared";
import { aliases, aliasPage } from "./aliases";
import { dns } from "./dns";
import { keys } from "./keys";
import { setup } from "./setup";

async function listPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.domains();
  const list = table<DomainRow>(
    t("Domains"),
    [
      {
        title: t("Domain"),
        kind: "main",
        cell: (row) => [
          el("a", { href: addressOf("domains", [row.domain]) }, el("b", {}, row.domain)),
          " ",
          marks(row),
          row.description !== "" && el("div", { class: "hint" }, el("bdi", {}, row.description)),
        ],
      },
      { title: t("Addresses"), kind: "num", cell: (row) => String(row.addresses) },
      { title: t("Aliases"), kind: "num", cell: (row) => String(row.aliases) },
    ],
    found,
  );
  const body =
    found.length === 0 ? empty(globe, t("No domains yet"), t("A domain is the part of an address after the @.")) : list;
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Domains"),
      null,
      button(t("Add domain"), () => void add(desk), { icon: plus, kind: "primary" }),
    ),
    card("", body, { flush: true }),
  );
  return { title: t("Domains"), root };
}

const marks = (row: DomainRow): Child => [
  row.disabled && el("span", { class: "chip" }, t("disabled")),
  row.reports_only && el("span", { class: "chip" }, t("reports only")),
  row.peer && el("span", { class: "chip" }, t("migrating here")),
];

async function add(desk: Desk): Promise<void> {
  const accounts = await desk.client.accounts("", "", 200);
  const domain = line(
    t("Domain"),
    "",
    t("For example, example.org. This creates DKIM keys. Next, set up mailboxes and DNS records, and run a test."),
  );
  const account = line(
    t("Report account"),
    accounts.accounts[0]?.name ?? "",
    t("An existing account, or a name for a new account."),
  );
  const localpart = line(
    t("First address for new account"),
    "",
    t("The part before the @. Leave blank for an existing account."),
  );
  const disabled = tick(
    t("Not active yet"),
    false,
    t("Mail will be deferred or forwarded to the current server. Certificates won't be requested."),
  );
  const done = await fieldDialog(t("Add domain"), t("Add domain"), { domain, account, localpart, disabled }, () =>
    desk.client
      .config_domain_add(
        domain.control.value.trim(),
        account.control.value,
        localpart.control.value,
        disabled.control.checked,
      )
      .then(() => true),
  );
  if (done !== null) desk.go(addressOf("domains", [domain.control.value.trim().toLowerCase()], { tab: "setup" }));
}

async function domainPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const name = desk.address.path[0];
  if (name === undefined || name === "") return listPage(desk);
  const tab = desk.address.query.get("tab") ?? "dns";
  const found = await desk.client.domain(name);
  const row = found.row;
  const content: Record<string, () => Promise<Child>> = {
    setup: () => setup(desk, found),
    dns: () => dns(desk, name),
    addresses: async () => [addresses(found), desk.peer(name)],
    aliases: async () => aliases(desk, found),
    keys: async () => keys(desk, found),
    settings: async () => card(t("Settings"), await settingsForm(desk, ["domains", name])),
  };
  const link = (to: string, title: string): [string, string, boolean] => [
    addressOf("domains", [name], { tab: to }),
    title,
    to === tab,
  ];
  const shown =
    desk.address.path[1] === "aliases" && desk.address.path[2] !== undefined
      ? await aliasPage(desk, found, desk.address.path[2])
      : desk.address.path[1] === "keys" && desk.address.path[2] !== undefined
        ? card(
            desk.address.path[2],
            await settingsForm(desk, ["domains", name, "dkim", "selectors", desk.address.path[2]]),
          )
        : await (content[tab] ?? content["dns"]!)();
  const root = el(
    "div",
    { class: "page" },
    head(
      name,
      el(
        "p",
        { class: "hint" },
        el("a", { href: "#domains" }, t("Domains")),
        row.description !== "" && [" · ", el("bdi", {}, row.description)],
      ),
      marks(row),
      button(row.disabled ? t("Enable") : t("Disable"), () => void disable(desk, row)),
      button(t("Delete…"), () => void remove(desk, found), { kind: "line danger" }),
    ),
    row.disabled &&
      notice(
        "warn",
        row.peer
          ? t("Incoming mail is forwarded to the old server. Outgoing mail is deferred.")
          : t("Incoming and outgoing mail is deferred. Users can still log in."),
      ),
    tabs(name, [
      link("setup", t("Set up")),
      link("dns", t("DNS")),
      link("addresses", t("Addresses {n}", { n: row.addresses })),
      link("aliases", t("Aliases {n}", { n: row.aliases })),
      link("keys", t("Keys {n}", { n: found.selectors.length })),
      link("settings", t("Settings")),
    ]),
    shown,
  );
  return { title: name, root };
}

async function disable(desk: Desk, row: DomainRow): Promise<void> {
  const set = (disabled: boolean) =>
    disabled ? desk.client.config_domain_disable(row.domain) : desk.client.config_domain_enable(row.domain);
  if (
    !(await attempt(t("Saving…"), row.disabled ? t("Couldn't enable domain") : t("Couldn't disable domain"), () =>
      set(!row.disabled),
    ))
  )
    return;
  desk.say(
    row.disabled ? t("{domain} enabled", { domain: row.domain }) : t("{domain} disabled", { domain: row.domain }),
    {
      title: t("Undo"),
      run: () => void attempt(t("Undoing…"), t("Couldn't undo"), () => set(row.disabled)).then(() => desk.refresh()),
    },
  );
  await desk.refresh();
}

async function remove(desk: Desk, found: DomainDetail): Promise<void> {
  const name = found.row.domain;
  const what =
    found.users.length > 0
      ? [
          el("p", {}, t("To delete this domain, first remove:")),
          el(
            "ul",
            {},
            found.users.slice(0, 20).map((one) => el("li", {}, one)),
          ),
        ]
      : [
          el(
            "p",
            {},
            many(found.aliases.length, "{n} alias will also be deleted.", "{n} aliases will also be deleted."),
          ),
          el("p", {}, t("Key files will be moved to dkim/old. Queued mail will still be sent.")),
        ];
  if (!(await typedAgain(t("Delete {name}?", { name }), name, what, t("Delete domain")))) return;
  if (!(await attempt(t("Deleting…"), t("Couldn't delete domain"), () => desk.client.config_domain_rm(name)))) return;
  desk.say(t("Deleted {name}", { name }));
  desk.go("#domains");
}

function addresses(found: DomainDetail): HTMLElement {
  if (found.addresses.length === 0)
    return card(t("Addresses"), el("p", { class: "two" }, t("No addresses yet. To add one, open an account.")));
  return card(
    t("Addresses"),
    table(
      t("Addresses"),
      [
        {
          title: t("Address"),
          kind: "main",
          cell: (one: string) => el("a", { href: addressOf("accounts", [], { search: one }) }, el("bdi", {}, one)),
        },
      ],
      found.addresses,
    ),
    { flush: true },
  );
}

export const pages: PagePart["pages"] = { domains: domainPage };
