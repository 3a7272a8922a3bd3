// Accounts: the list, and the page of one with its addresses, settings and log-ins.

import { delegatesCard } from "../../account/shares/delegates";
import type { AccountDetail, AccountRow, AccountUse, AddressRow, Attempt } from "../../gen/admin";
import { messageOf } from "../../lib/client";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el, fill, sign } from "../../lib/dom";
import { line, tick } from "../../lib/fields";
import { ellipsis, search as lens, plus, trash2, users } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { button, card, copyable, disc, foreign, head, iconButton, meter, pairs, table, tabs } from "../../lib/pages";
import { empty, notice, state } from "../../lib/states";
import { when } from "../../lib/times";
import { many, t } from "../../lib/words";
import type { Section } from "../ui/editor";
import { protocolOf, resultOf } from "../ui/logins";
import { addressOf, type Desk, type PagePart } from "../ui/page";
import { fieldDialog, settingsForm, showSecret, typedAgain } from "../ui/shared";
import { securityCards, stopped } from "./security";

/** Accounts on a page of the list, and whose use is asked for at once. */
const perPage = 50;
const atOnce = 10;

/** The settings of an account by what one wants to do. */
const sections = (): Section[] => [
  { title: t("Name and storage"), names: ["full_name", "quota_message_size", "description"] },
  { title: t("Login"), names: ["login_disabled", "no_custom_password", "require_app_passwords"] },
  {
    title: t("Sending limits"),
    names: [
      "max_outgoing_messages_per_day",
      "max_first_time_recipients_per_day",
      "max_recipients_per_hour",
      "no_sending_guard",
      "no_first_time_sender_delay",
    ],
  },
  {
    title: t("Junk and rejected mail"),
    names: [
      "junk_filter",
      "automatic_junk_flags",
      "rejects_mailbox",
      "keep_rejects",
      "introbox",
      "subject_pass",
      "senders",
    ],
  },
  {
    title: t("Forwarding, routes, and queue"),
    names: ["forward_to", "keep_copy", "routes", "queue_mailbox", "no_dsn_suppression"],
  },
  {
    title: t("API clients and webhooks"),
    names: [
      "outgoing_webhook",
      "incoming_webhook",
      "from_id_login_addresses",
      "keep_retired_message_period",
      "keep_retired_webhook_period",
      "login_names",
      "imap_prefix",
      "imap_capabilities_disabled",
      "no_jmap",
    ],
  },
  { title: t("Mail retention"), names: ["expire_after"] },
];

const storage = (row: AccountRow, use: AccountUse | undefined): Child => {
  if (use === undefined) return el("span", { class: "muted" }, "…");
  if (use.problem !== "") return state("danger", t("unavailable"));
  return row.limit === 0 ? size(use.used) : share(row, use);
};

/** The share of its limit that an account uses. */
const share = (row: AccountRow, use: AccountUse): HTMLElement =>
  el(
    "div",
    { class: "use" },
    meter(use.used / row.limit),
    el("span", { class: "xs muted" }, t("{used} of {limit}", { used: size(use.used), limit: size(row.limit) })),
  );

const lastLogin = (use: AccountUse | undefined): Child =>
  use === undefined
    ? ""
    : use.last_login === 0
      ? el("span", { class: "muted" }, t("not in the last 30 days"))
      : [when(use.last_login), ` ${use.last_protocol}`];

const disabled = (row: AccountRow): Child => row.disabled !== "" && el("span", { class: "chip" }, t("disabled"));

async function listPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const wanted = desk.address.query.get("search") ?? "";
  const after = desk.address.query.get("after") ?? "";
  const place = el("div");
  const count = el("span", { class: "hint" });
  const show = async (words: string, behind: string) => {
    const page = await desk.client.accounts(words, behind, perPage);
    count.textContent = many(page.total, "{n} account", "{n} accounts");
    const uses = new Map<string, AccountUse>();
    const rows = new Map<string, HTMLTableRowElement>();
    const body = (row: AccountRow) => [storage(row, uses.get(row.name)), lastLogin(uses.get(row.name))];
    const list = table<AccountRow>(
      t("Accounts"),
      [
        {
          title: t("Account"),
          kind: "main",
          cell: (row) =>
            el(
              "div",
              { class: "flex" },
              disc(row.name, row.full_name || row.name),
              el(
                "div",
                { class: "grow" },
                el("a", { href: addressOf("accounts", [row.name]) }, el("b", {}, row.name)),
                " ",
                disabled(row),
                row.broken !== "" && state("danger", t("unavailable")),
                el("div", { class: "hint" }, el("bdi", {}, row.first_address)),
              ),
            ),
        },
        { title: t("Addresses"), cell: (row) => String(row.addresses), kind: "num" },
        { title: t("Storage"), cell: (row) => el("div", {}, body(row)[0]) },
        { title: t("Last login"), cell: (row) => el("div", {}, body(row)[1]) },
        {
          title: "",
          kind: "top",
          cell: (row) =>
            el(
              "a",
              {
                class: "btn icon small",
                href: addressOf("accounts", [row.name]),
                "aria-label": t("Show {name}", { name: row.name }),
              },
              sign(ellipsis, "i s"),
            ),
        },
      ],
      page.accounts,
      (tr, row) => rows.set(row.name, tr),
    );
    const last = page.accounts.at(-1)?.name ?? "";
    fill(
      place,
      page.accounts.length === 0
        ? card(
            "",
            empty(
              users,
              words === "" ? t("No accounts yet") : t('Nothing found for "{words}"', { words }),
              words === ""
                ? t("Each account has its own mail, addresses, and password.")
                : t("Searches names, addresses, and notes."),
            ),
          )
        : card("", list, { flush: true }),
      el(
        "div",
        { class: "pages" },
        behind !== "" &&
          el("a", { class: "btn line", href: addressOf("accounts", [], { search: words }) }, t("First page")),
        page.accounts.length === perPage &&
          el(
            "a",
            { class: "btn line", href: addressOf("accounts", [], { search: words, after: last }) },
            t("Next page"),
          ),
      ),
    );
    const names = page.accounts.map((row) => row.name);
    for (let at = 0; at < names.length && desk.shown(); at += atOnce) {
      for (const use of await desk.client.account_uses(names.slice(at, at + atOnce))) {
        uses.set(use.name, use);
        const row = page.accounts.find((one) => one.name === use.name)!;
        const cells = rows.get(use.name)?.querySelectorAll("td > div");
        const [used, login] = body(row);
        if (cells?.[2] !== undefined) fill(cells[2], used);
        if (cells?.[3] !== undefined) fill(cells[3], login);
      }
    }
  };
  const input = el("input", { type: "search", "aria-label": t("Name or address"), placeholder: t("Name or address") });
  input.value = wanted;
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      desk.note(addressOf("accounts", [], { search: input.value }));
      void attempt(t("Searching…"), t("Couldn't search"), () => show(input.value, ""));
    }, 200);
  });
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Accounts"),
      null,
      el("label", { class: "search" }, sign(lens), input),
      el("a", { class: "btn line", href: "#move" }, t("Move from another server")),
      button(t("Add account"), () => void add(desk), { icon: plus, kind: "primary" }),
    ),
    el("div", { class: "filter" }, count),
    place,
  );
  const first = show(wanted, after);
  await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 400))]);
  first.catch((error: unknown) => fill(place, notice("danger", messageOf(error))));
  return { title: t("Accounts"), root };
}

async function add(desk: Desk): Promise<void> {
  const domain = (await desk.client.domains())[0]?.domain;
  const name = line(
    t("Name"),
    "",
    t("Lowercase letters, digits, dots, and hyphens. Only you can see it. You can't change it later."),
  );
  const address = line(
    t("First address"),
    "",
    domain === undefined ? t("Add a domain first.") : t("For example, an address at {domain}.", { domain }),
    { inputmode: "email" },
  );
  name.control.addEventListener("change", () => {
    if (address.control.value === "" && domain !== undefined) address.control.value = `${name.control.value}@${domain}`;
  });
  const shared = tick(
    t("Shared mailbox"),
    false,
    t("No one can log in to this account. Members read and reply from their own accounts."),
  );
  const password = await fieldDialog(t("Add account"), t("Add account"), { name, address, shared }, () =>
    desk.client.account_add(name.control.value, address.control.value, shared.control.checked),
  );
  if (password === null) return;
  if (shared.control.checked) {
    desk.go(addressOf("accounts", [name.control.value], { tab: "members" }));
    return;
  }
  await showSecret(
    t("Account added"),
    t("Copy {name}'s password now. You won't be able to see it again.", { name: name.control.value }),
    copyable(password),
  );
  desk.go(addressOf("accounts", [name.control.value]));
}

/** Ask for the three limits of an account; empty is the default, which the field shows. */
async function limits(desk: Desk, name: string): Promise<void> {
  const path = ["accounts", name];
  const { fields: known, values } = await desk.client.settings(path);
  const ask = (key: string, title: string, hint: string) => {
    const standard = known.find((one) => one.name === key)?.default ?? null;
    const value = values[key] ?? null;
    return line(title, value === null ? "" : String(value), hint, {
      placeholder: standard === null ? "" : String(standard),
    });
  };
  const fields = {
    quota_message_size: ask("quota_message_size", t("Storage"), t("For example, 5g. Leave blank to use the default.")),
    max_outgoing_messages_per_day: ask(
      "max_outgoing_messages_per_day",
      t("Recipients in 24 hours"),
      t("Limits abuse if a password is stolen."),
    ),
    max_first_time_recipients_per_day: ask(
      "max_first_time_recipients_per_day",
      t("First-time recipients in 24 hours"),
      t("Addresses this account has never written to."),
    ),
  };
  const all = el("p", {}, el("a", { href: addressOf("accounts", [name], { tab: "settings" }) }, t("All settings")));
  const save = async () => {
    const after: Record<string, unknown> = { ...values };
    for (const [key, one] of Object.entries(fields)) {
      const typed = one.control.value.trim();
      if (typed === "") delete after[key];
      else after[key] = /^-?\d+$/.test(typed) ? Number(typed) : typed;
    }
    await desk.client.settings_save(path, values, after);
    return true;
  };
  if ((await fieldDialog(t("Limits for {name}", { name }), t("Save"), fields, save, all)) !== true) return;
  desk.say(t("Saved"));
  await desk.refresh();
}

async function accountPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const name = desk.address.path[0];
  if (!name) return listPage(desk);
  const tab = desk.address.query.get("tab") ?? "addresses";
  const [found, stops] = await Promise.all([
    desk.client.account(name),
    desk.client.queue_guard_list().catch(() => []), // no queue runs: the overview says so
  ]);
  const link = (to: string, title: string): [string, string, boolean] => [
    addressOf("accounts", [name], { tab: to }),
    title,
    to === tab,
  ];
  const content: Record<string, () => Promise<Child>> = {
    addresses: async () => addresses(desk, found),
    settings: async () => card(t("Settings"), await settingsForm(desk, ["accounts", name], undefined, sections())),
    members: async () => members(desk, name),
    security: () => securityCards(desk, name),
    logins: async () => logins(await desk.client.attempts(name, 50)),
  };
  const address = desk.address.path[1];
  const shown =
    address !== undefined
      ? card(address, await settingsForm(desk, ["accounts", name, "destinations", address]), {
          hint: t("Delivery for this address"),
        })
      : await (content[tab] ?? content["addresses"]!)();
  const row = found.row;
  const root = el(
    "div",
    { class: "page" },
    head(
      [disc(name, row.full_name || name), " ", name],
      el(
        "p",
        { class: "hint" },
        el("a", { href: "#accounts" }, t("Accounts")),
        row.full_name && [" · ", el("bdi", {}, row.full_name)],
        row.description && [" · ", el("bdi", {}, row.description)],
      ),
      disabled(row),
      button(t("Limits…"), () => void limits(desk, name)),
      button(t("New password"), () => void newPassword(desk, name)),
      row.disabled === ""
        ? button(t("Lock…"), () => void lock(desk, name))
        : button(t("Unlock"), () => void unlock(desk, name)),
      button(t("Delete…"), () => void remove(desk, name), { kind: "line danger" }),
    ),
    row.broken !== "" && notice("danger", t("This account is unavailable: {why}", { why: row.broken })),
    stops.filter((one) => one.account === name).map((one) => stopped(desk, one)),
    row.disabled !== "" &&
      notice("warn", t("Login disabled: “{text}”. This account still receives mail.", { text: row.disabled })),
    card(
      "",
      pairs([
        [
          t("Storage"),
          found.use.problem !== ""
            ? foreign(found.use.problem)
            : row.limit === 0
              ? t("{used}, no limit", { used: size(found.use.used) })
              : share(row, found.use),
        ],
        [t("Last login"), lastLogin(found.use)],
      ]),
    ),
    el("br"),
    tabs(name, [
      link("addresses", t("Addresses {n}", { n: row.addresses })),
      link("members", t("Members")),
      link("settings", t("Settings")),
      link("security", t("Security")),
      link("logins", t("Logins")),
    ]),
    shown,
  );
  return { title: name, root };
}

/** End all that the account's user has open, and let nothing log in. */
async function lock(desk: Desk, name: string): Promise<void> {
  const message = line(
    t("Message to the user"),
    t("This account is locked. Ask your administrator."),
    t("Shown when someone tries to log in."),
    { maxlength: "1000", autofocus: "" },
  );
  const words = t("All browsers, mail apps, and app passwords will be logged out. Mail will still be delivered.");
  const done = await fieldDialog(
    t("Lock {name}?", { name }),
    t("Lock account"),
    { message },
    async () => {
      await desk.client.config_account_disable(name, message.control.value);
      return true;
    },
    el("p", { class: "hint" }, words),
  );
  if (done === null) return;
  desk.say(t("Locked {name}", { name }), { title: t("Undo"), run: () => void unlock(desk, name) });
  await desk.refresh();
}

async function unlock(desk: Desk, name: string): Promise<void> {
  const work = () => desk.client.config_account_enable(name);
  if (await attempt(t("Unlocking…"), t("Couldn't unlock account"), work)) await desk.refresh();
}

/** Who sends from the account's addresses, and shares its mail. */
async function members(desk: Desk, name: string): Promise<Child> {
  const found = await desk.client.account_delegate_list(name);
  return delegatesCard(t("People who can send for this account"), t("For example, your team."), {
    all: found,
    set: (...given) => desk.client.account_delegate_set(...given, name),
    remove: (guest) => desk.client.account_delegate_rm(guest, name),
    refresh: () => desk.refresh(),
  });
}

function addresses(desk: Desk, found: AccountDetail): HTMLElement {
  const name = found.row.name;
  const remove = async (row: AddressRow) => {
    const leaves =
      row.aliases.length > 0
        ? ` ${t("This will also remove the address from these aliases: {aliases}.", { aliases: row.aliases.join(", ") })}`
        : "";
    if (
      !(await confirm(
        t("Remove {address}?", { address: row.address }),
        `${t("New mail to this address will be rejected. Existing messages won't be deleted.")}${leaves}`,
        t("Remove"),
      ))
    )
      return;
    if (await attempt(t("Removing…"), t("Couldn't remove address"), () => desk.client.config_address_rm(row.address)))
      await desk.refresh();
  };
  const add = async () => {
    const address = line(
      t("Address"),
      `@${found.domain}`,
      t("@{domain} receives mail for all other addresses.", { domain: found.domain }),
      { inputmode: "email" },
    );
    if (
      (await fieldDialog(t("Add address"), t("Add"), { address }, () =>
        desk.client.config_address_add(address.control.value, name),
      )) === null
    )
      return;
    await desk.refresh();
  };
  const list = table<AddressRow>(
    t("Addresses"),
    [
      {
        title: t("Address"),
        kind: "main",
        cell: (row) => [
          el("a", { href: addressOf("accounts", [name, row.address]) }, el("bdi", {}, row.address)),
          row.catchall && [" ", el("span", { class: "chip" }, t("all other addresses"))],
          row.alike && el("div", { class: "hint" }, t("Looks like {address}", { address: row.alike })),
        ],
      },
      { title: t("Folder"), cell: (row) => el("bdi", {}, row.mailbox) },
      { title: t("Member of"), cell: (row) => row.aliases.join(", ") },
      {
        title: "",
        kind: "top",
        cell: (row) => iconButton(t("Remove {address}", { address: row.address }), trash2, () => void remove(row)),
      },
    ],
    found.addresses,
  );
  return card(t("Addresses"), list, {
    flush: true,
    actions: button(t("Add address"), () => void add(), { icon: plus, kind: "line small" }),
  });
}

function logins(found: readonly Attempt[]): HTMLElement {
  if (found.length === 0) return card(t("Logins"), el("p", { class: "two" }, t("No logins in 30 days.")));
  const list = table<Attempt>(
    t("Logins"),
    [
      {
        title: t("Result"),
        kind: "main",
        cell: (row) => [
          state(row.result === "ok" ? "ok" : "warn", resultOf(row.result)),
          row.count > 1 && ` × ${row.count}`,
        ],
      },
      { title: t("When"), cell: (row) => when(row.last) },
      { title: t("From"), cell: (row) => row.remote_ip },
      { title: t("Protocol"), cell: (row) => `${protocolOf(row.protocol)} ${row.mechanism}` },
      { title: t("App"), cell: (row) => foreign(row.user_agent, 60) },
    ],
    found,
  );
  return card(t("Logins"), list, { flush: true, hint: t("Latest 50, repeats combined.") });
}

async function newPassword(desk: Desk, name: string): Promise<void> {
  const password = line(t("New password"), "", t("Leave blank to generate a password. You'll only see it once."), {
    autocomplete: "new-password",
  });
  const set = await fieldDialog(
    t("New password for {name}", { name }),
    t("Set password"),
    { password },
    () => desk.client.account_password(name, password.control.value),
    el("p", { class: "hint" }, t("This will log the user out everywhere.")),
  );
  if (set === null) return;
  if (password.control.value === "")
    await showSecret(
      t("Password updated"),
      t("Copy {name}'s password now. You won't be able to see it again.", { name }),
      copyable(set),
    );
  else desk.say(t("Password updated"));
}

async function remove(desk: Desk, name: string): Promise<void> {
  const goes = await desk.client.account_remains(name);
  const what = [
    el(
      "p",
      {},
      t("These will be permanently deleted:"),
      " ",
      many(goes.messages, "{n} message", "{n} messages"),
      ", ",
      size(goes.octets),
      ", ",
      many(goes.mailboxes, "{n} folder", "{n} folders"),
      ", ",
      many(goes.addresses, "{n} address", "{n} addresses"),
      ".",
    ),
    goes.aliases.length > 0 &&
      el(
        "p",
        {},
        t("This account will be removed from these aliases: {aliases}.", { aliases: goes.aliases.join(", ") }),
      ),
    goes.queued > 0 &&
      el(
        "p",
        {},
        many(
          goes.queued,
          "{n} outgoing message will stay in the queue.",
          "{n} outgoing messages will stay in the queue.",
        ),
      ),
    goes.held > 0 &&
      el(
        "p",
        {},
        many(
          goes.held,
          "{n} message on hold or scheduled won't be sent.",
          "{n} messages on hold or scheduled won't be sent.",
        ),
      ),
  ];
  if (!(await typedAgain(t("Delete {name}?", { name }), name, what, t("Delete account")))) return;
  if (!(await attempt(t("Deleting…"), t("Couldn't delete account"), () => desk.client.config_account_rm(name)))) return;
  desk.say(t("Deleted {name}", { name }));
  desk.go("#accounts");
}

export const pages: PagePart["pages"] = { accounts: accountPage };
