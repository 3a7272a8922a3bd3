// Domains: the list, and the page of one with DNS, addresses, aliases, keys and settings.

import type { AliasRow, DNSRecord, DNSReport, DomainDetail, DomainRow, SelectorRow } from "../../gen/admin";
import { attempt, confirm } from "../../lib/dialogs";
import { messageOf } from "../../lib/client";
import { type Child, el, fill } from "../../lib/dom";
import { choice, field, line, tick } from "../../lib/fields";
import { globe, plus, refreshCw, trash2 } from "../../lib/icons";
import { button, card, copyable, copyButton, foreign, head, iconButton, table, tabs, visible } from "../../lib/pages";
import { empty, notice, state } from "../../lib/states";
import { ago } from "../../lib/times";
import { many, t } from "../../lib/words";
import { addressOf, type Desk, type PagePart } from "../ui/page";
import { fieldDialog, settingsForm, typedAgain } from "../ui/shared";

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
    found.length === 0 ? empty(globe, t("No domains yet"), t("A domain is the part of addresses behind the @.")) : list;
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
];

async function add(desk: Desk): Promise<void> {
  const accounts = await desk.client.accounts("", "", 200);
  const domain = line(
    t("Domain"),
    "",
    t("Such as example.org. Keys for DKIM are made; the DNS records to set come next."),
  );
  const account = line(
    t("Account for its reports"),
    accounts.accounts[0]?.name ?? "",
    t("An account that there is, or the name of a new one."),
  );
  const localpart = line(
    t("First address of a new account"),
    "",
    t("The part before the @; empty where the account exists."),
  );
  const disabled = tick(t("Not in use yet"), false, t("Mail is refused for now, and no certificates are ordered."));
  const done = await fieldDialog(t("Add domain"), t("Add domain"), { domain, account, localpart, disabled }, () =>
    desk.client
      .domain_add(domain.control.value.trim(), account.control.value, localpart.control.value, disabled.control.checked)
      .then(() => true),
  );
  if (done !== null) desk.go(addressOf("domains", [domain.control.value.trim().toLowerCase()], { tab: "dns" }));
}

async function domainPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const name = desk.address.path[0];
  if (name === undefined || name === "") return listPage(desk);
  const tab = desk.address.query.get("tab") ?? "dns";
  const found = await desk.client.domain(name);
  const row = found.row;
  const content: Record<string, () => Promise<Child>> = {
    dns: () => dns(desk, name),
    addresses: async () => addresses(found),
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
      button(t("Remove…"), () => void remove(desk, found), { kind: "line danger" }),
    ),
    row.disabled &&
      notice(
        "warn",
        t("Mail from and to this domain is refused for now, with a temporary error. Its users can log in."),
      ),
    tabs(name, [
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
  const set = (disabled: boolean) => desk.client.domain_disable(row.domain, disabled);
  if (!(await attempt(row.disabled ? t("Enabling") : t("Disabling"), () => set(!row.disabled)))) return;
  desk.say(
    row.disabled ? t("{domain} is in use", { domain: row.domain }) : t("{domain} is disabled", { domain: row.domain }),
    { title: t("Undo"), run: () => void attempt(t("Undoing"), () => set(row.disabled)).then(() => desk.refresh()) },
  );
  await desk.refresh();
}

async function remove(desk: Desk, found: DomainDetail): Promise<void> {
  const name = found.row.domain;
  const what =
    found.users.length > 0
      ? [
          el("p", {}, t("It is still used, so it cannot be removed:")),
          el(
            "ul",
            {},
            found.users.slice(0, 20).map((one) => el("li", {}, one)),
          ),
        ]
      : [
          el("p", {}, many(found.aliases.length, "{n} alias goes with it.", "{n} aliases go with it.")),
          el("p", {}, t("Its key files are put aside in the folder dkim/old; queued mail is still sent.")),
        ];
  if (!(await typedAgain(t("Remove {name}?", { name }), name, what, t("Remove domain")))) return;
  if (!(await attempt(t("Removing the domain"), () => desk.client.domain_remove(name)))) return;
  desk.say(t("{name} is removed", { name }));
  desk.go("#domains");
}

function addresses(found: DomainDetail): HTMLElement {
  if (found.addresses.length === 0)
    return card(
      t("Addresses"),
      el(
        "p",
        { class: "two" },
        t("No account has an address here yet. Addresses are added on the page of an account."),
      ),
    );
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

function aliases(desk: Desk, found: DomainDetail): HTMLElement {
  const name = found.row.domain;
  const add = async () => {
    const address = line(t("Address of the alias"), `@${name}`, null, { inputmode: "email" });
    const members = field(
      t("Members"),
      el("textarea", {}),
      t(
        "One address a line: of accounts here, at least one, and of other servers. The owner of an address elsewhere gets a mail with a link, and has to agree.",
      ),
    );
    const done = await fieldDialog(
      t("Add an alias"),
      t("Add alias"),
      { alias: address, members },
      () => desk.client.alias_add(address.control.value, lines(members.control)).then(() => true),
      el("p", { class: "hint" }, t("Everyone may write to a new alias. A member who writes to it gets no copy.")),
    );
    if (done !== null) await desk.refresh();
  };
  const open = (row: AliasRow) => addressOf("domains", [name, "aliases", row.localpart], { tab: "aliases" });
  const list = table<AliasRow>(
    t("Aliases"),
    [
      { title: t("Alias"), kind: "main", cell: (row) => el("a", { href: open(row) }, el("b", {}, row.address)) },
      { title: t("Members"), cell: (row) => foreign(row.members.join(", "), 200) },
      { title: t("Who may write"), cell: (row) => (row.post_public ? t("everyone") : t("members")) },
      {
        title: "",
        kind: "top",
        cell: (row) =>
          iconButton(t("Remove {alias}", { alias: row.address }), trash2, () => void removeAlias(desk, row)),
      },
    ],
    found.aliases,
  );
  return card(
    t("Aliases"),
    found.aliases.length === 0
      ? el("p", { class: "hint" }, t("None yet. An alias is an address that delivers to several others."))
      : list,
    { flush: true, actions: button(t("Add an alias"), () => void add(), { icon: plus, kind: "line small" }) },
  );
}

const lines = (area: HTMLTextAreaElement) => area.value.split(/[\s,]+/).filter((one) => one !== "");

async function removeAlias(desk: Desk, row: AliasRow): Promise<void> {
  if (
    !(await confirm(
      t("Remove {alias}?", { alias: row.address }),
      many(
        row.members.length,
        "Mail to it is refused from now on. {n} member keeps what has arrived.",
        "Mail to it is refused from now on. {n} members keep what has arrived.",
      ),
      t("Remove"),
    ))
  )
    return;
  if (!(await attempt(t("Removing"), () => desk.client.alias_remove(row.address)))) return;
  desk.go(addressOf("domains", [row.address.slice(row.address.lastIndexOf("@") + 1)], { tab: "aliases" }));
}

async function aliasPage(desk: Desk, found: DomainDetail, localpart: string): Promise<Child> {
  const row = found.aliases.find((one) => one.localpart === localpart);
  if (row === undefined) return notice("warn", t("There is no such alias any more."));
  const drop = async (member: string) => {
    if (await attempt(t("Removing"), () => desk.client.alias_members_remove(row.address, [member])))
      await desk.refresh();
  };
  const add = async () => {
    const members = field(
      t("Members"),
      el("textarea", {}),
      t(
        "One address a line: of accounts here, at least one, and of other servers. The owner of an address elsewhere gets a mail with a link, and has to agree.",
      ),
    );
    if (
      (await fieldDialog(t("Add members"), t("Add"), { members }, () =>
        desk.client.alias_members_add(row.address, lines(members.control)).then(() => true),
      )) !== null
    )
      await desk.refresh();
  };
  const members = table<string>(
    t("Members"),
    [
      { title: t("Member"), kind: "main", cell: (one) => el("bdi", {}, one) },
      {
        title: "",
        kind: "top",
        cell: (one) => iconButton(t("Remove {member}", { member: one }), trash2, () => void drop(one)),
      },
    ],
    row.members,
  );
  return [
    card(row.address, members, {
      flush: true,
      actions: [
        button(t("Add members"), () => void add(), { icon: plus, kind: "line small" }),
        button(t("Remove alias…"), () => void removeAlias(desk, row), { kind: "line small danger" }),
      ],
    }),
    card(t("Options"), await settingsForm(desk, ["domains", found.row.domain, "aliases", localpart]), {
      hint: t(
        "Off at “post public” means: mail of those who are not members is refused. A member who writes to the alias gets no copy, unless “deliver to sender” is on.",
      ),
    }),
  ];
}

async function keys(desk: Desk, found: DomainDetail): Promise<Child> {
  const name = found.row.domain;
  const add = async () => {
    const year = new Date().getFullYear();
    const used = new Set(found.selectors.map((one) => one.selector));
    const free =
      [..."abcdefghijklmnopqrstuvwxyz"].map((letter) => `${year}${letter}`).find((one) => !used.has(one)) ?? "";
    const selector = line(t("Selector"), free, t("Its name in DNS: SELECTOR._domainkey.{domain}", { domain: name }));
    const algorithm = choice(
      t("Algorithm"),
      [
        ["rsa", t("RSA, 2048 bits: every receiver knows it")],
        ["ed25519", t("Ed25519: short; not every receiver knows it")],
      ],
      "rsa",
    );
    const done = await fieldDialog(
      t("Make a DKIM key"),
      t("Make key"),
      { selector, algorithm },
      () =>
        desk.client
          .selector_add(name, selector.control.value, algorithm.control.value === "rsa" ? "rsa" : "ed25519")
          .then(() => true),
      el("p", { class: "hint" }, t("It signs nothing until you choose it; set its record first.")),
    );
    if (done !== null) await desk.refresh();
  };
  const remove = async (row: SelectorRow) => {
    if (
      !(await confirm(
        t("Remove the key {selector}?", { selector: row.selector }),
        t(
          "Its file is put aside in dkim/old. Signatures of mail that is under way can no longer be checked once you remove its record from DNS.",
        ),
        t("Remove"),
      ))
    )
      return;
    if (await attempt(t("Removing"), () => desk.client.selector_remove(name, row.selector))) await desk.refresh();
  };
  const list = table<SelectorRow>(
    t("Keys"),
    [
      {
        title: t("Selector"),
        kind: "main",
        cell: (row) =>
          el(
            "a",
            { href: addressOf("domains", [name, "keys", row.selector], { tab: "keys" }) },
            el("b", {}, row.selector),
          ),
      },
      {
        title: t("Algorithm"),
        cell: (row) =>
          row.problem !== ""
            ? [state("danger", t("cannot be read")), " ", foreign(row.problem)]
            : row.algorithm === "rsa"
              ? t("RSA, {bits} bits", { bits: row.bits })
              : t("Ed25519"),
      },
      { title: t("Signs"), cell: (row) => (row.signs ? state("ok", t("signs")) : state("off", t("waits"))) },
      {
        title: t("Record"),
        cell: (row) =>
          row.record !== "" &&
          el(
            "span",
            { class: "flex" },
            foreign(row.record, 40),
            copyButton(() => row.record),
          ),
      },
      {
        title: "",
        kind: "top",
        cell: (row) => iconButton(t("Remove {selector}", { selector: row.selector }), trash2, () => void remove(row)),
      },
    ],
    found.selectors,
  );
  const signing = await settingsForm(desk, ["domains", name, "dkim"]);
  return [
    card(
      t("DKIM keys"),
      found.selectors.length === 0
        ? el("p", { class: "hint" }, t("None: mail of this domain is not signed, and many receivers refuse it."))
        : list,
      { flush: true, actions: button(t("Make a key"), () => void add(), { icon: plus, kind: "line small" }) },
    ),
    card(t("What signs"), signing),
  ];
}

/** The records with their values to copy, and the checks as they end. */
async function dns(desk: Desk, name: string): Promise<Child> {
  const [records, reports] = await Promise.all([desk.client.dns_records(name), desk.client.dns_reports(name)]);
  const places = new Map(reports.map((one) => [one.topic, el("li")]));
  const summary = el("div", { "aria-live": "polite" });
  const latest = new Map(reports.map((one) => [one.topic, one]));
  const running = new Set<string>();
  const draw = (topic: string) => {
    const report = latest.get(topic)!;
    fill(
      places.get(topic)!,
      topicLine(report, running.has(topic), () => void check(topic)),
    );
    const all = [...latest.values()];
    const [bad, weak] = [
      all.filter((one) => one.errors.length > 0).length,
      all.filter((one) => one.errors.length === 0 && one.warnings.length > 0).length,
    ];
    const level = bad > 0 ? "danger" : weak > 0 ? "warn" : "ok";
    const words =
      running.size > 0
        ? many(running.size, "{n} check is under way.", "{n} checks are under way.")
        : bad + weak === 0
          ? t("All is as it should be.")
          : [
              bad > 0 ? many(bad, "{n} topic has errors.", "{n} topics have errors.") : "",
              weak > 0 ? many(weak, "{n} topic could be better.", "{n} topics could be better.") : "",
            ].join(" ");
    fill(
      summary,
      all.some((one) => one.at > 0) || running.size > 0 ? notice(running.size > 0 ? "wait" : level, words) : null,
    );
  };
  const check = async (topic: string) => {
    running.add(topic);
    draw(topic);
    try {
      // A check goes on by itself, also when this page is left: each call waits for its end for a while.
      do latest.set(topic, await desk.client.dns_check(name, topic));
      while (latest.get(topic)!.running && summary.isConnected);
    } catch (error) {
      latest.set(topic, {
        topic,
        at: Date.now() * 1000,
        running: false,
        errors: [messageOf(error)],
        warnings: [],
        instructions: [],
        found: [],
      });
    }
    running.delete(topic);
    draw(topic);
  };
  for (const one of reports) {
    if (one.running) void check(one.topic);
    else draw(one.topic);
  }
  const everything = button(t("Check everything"), () => reports.forEach((one) => void check(one.topic)), {
    icon: refreshCw,
    kind: "primary",
  });
  const zone = el("pre", { class: "zone", hidden: true, tabindex: "0", "aria-label": t("Zone file") });
  const asZone = async () => {
    zone.textContent = await desk.client.dns_zone(name);
    zone.hidden = false;
    const copy = copyButton(() => zone.textContent ?? "", t("Copy all as a zone"));
    fill(zoneButtons, copy);
    copy.focus();
  };
  const zoneButtons = el(
    "span",
    { class: "flex" },
    button(t("Show as a zone"), () => void attempt(t("Making the zone"), asZone)),
  );
  const list = table<DNSRecord>(
    t("Records"),
    [
      { title: t("Type"), cell: (row) => el("b", {}, row.kind) },
      { title: t("Name"), cell: (row) => copyable(row.name) },
      {
        title: t("Value"),
        cell: (row) => [
          el(
            "span",
            { class: "copy" },
            el("code", {}, foreign(row.value, 80)),
            copyButton(() => row.value),
          ),
          (row.optional || !row.live) &&
            el("div", { class: "hint" }, row.optional ? t("May be left out.") : t("Works only in a zone with DNSSEC.")),
        ],
      },
      { title: t("For"), cell: (row) => el("span", { class: "hint" }, row.about) },
    ],
    records,
  );
  return [
    summary,
    card(t("Checks"), el("ul", { class: "lines" }, [...places.values()]), {
      flush: true,
      actions: everything,
      hint: t("Others are asked what they see; each topic takes up to half a minute. What ends shows up by itself."),
    }),
    card(t("Records for {domain}", { domain: name }), [list, zone], {
      flush: true,
      actions: zoneButtons,
      hint: t("Set these at your DNS provider."),
    }),
  ];
}

const topics: Readonly<Record<string, string>> = {
  dnssec: "DNSSEC",
  iprev: t("Reverse names"),
  mx: "MX",
  tls: "TLS",
  dane: "DANE",
  spf: "SPF",
  dkim: "DKIM",
  dmarc: "DMARC",
  "host-tlsrpt": t("TLS reports of the host"),
  tlsrpt: t("TLS reports"),
  mtasts: "MTA-STS",
  srv: "SRV",
  autoconfig: t("Autoconfig"),
  autodiscover: t("Autodiscover"),
  "client-settings": t("Settings of mail programs"),
};

function topicLine(report: DNSReport, running: boolean, again: () => void): Child[] {
  const mark = running
    ? state("wait", t("checking…"))
    : report.at === 0
      ? state("unknown", t("not checked"))
      : report.errors.length > 0
        ? state("danger", t("wrong"))
        : report.warnings.length > 0
          ? state("warn", t("weak"))
          : state("ok", t("correct"));
  const name = topics[report.topic] ?? report.topic;
  const said = [...report.errors, ...report.warnings].map((one) => el("div", { class: "two" }, visible(one)));
  const todo = report.instructions.map((one) => el("div", { class: "hint" }, copyableLines(one)));
  const seen =
    report.found.length > 0 &&
    el(
      "details",
      {},
      el("summary", { class: "hint" }, many(report.found.length, "{n} record found", "{n} records found")),
      report.found.map((one) => el("code", {}, visible(one))),
    );
  return [
    el(
      "div",
      { class: "grow" },
      el("b", {}, name),
      " ",
      mark,
      report.at > 0 && el("span", { class: "hint" }, ` ${ago(report.at)}`),
      said,
      todo,
      seen,
    ),
    iconButton(t("Check {topic} again", { topic: name }), refreshCw, again),
  ];
}

/** An instruction; its lines that are records have a button to copy them. */
function copyableLines(text: string): Child[] {
  return text
    .split("\n")
    .map((one) =>
      / (?:A|AAAA|TXT|CNAME|MX|SRV|TLSA|CAA|PTR) /.test(one)
        ? el("div", {}, copyable(one.trim()))
        : el("div", {}, visible(one)),
    );
}

export const pages: PagePart["pages"] = { domains: domainPage };
