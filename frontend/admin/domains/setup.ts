// A domain from its name to the first test mail, step by step. Each step does what the domain's other pages do.

import type { Certificate, DNSRecord, DNSReport, DomainDetail, Sent } from "../../gen/admin";
import { type Child, el, fill } from "../../lib/dom";
import { choice, line } from "../../lib/fields";
import { plus } from "../../lib/icons";
import { button, card, copyable, visible } from "../../lib/pages";
import { type Level, mark, notice, state } from "../../lib/states";
import { many, t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { fieldDialog, fieldForm, showSecret } from "../ui/shared";
import { addAlias } from "./aliases";
import { dns } from "./dns";

/** Milliseconds between two looks at what waits for DNS, while the page is shown. */
const period = 60_000;

/** Topics without which mail does not come, or is not believed. */
const needed = new Set(["mx", "spf", "dkim", "dmarc", "iprev"]);

interface Step {
  readonly name: string;
  readonly title: string;
  readonly level: Level;
  readonly word: string;
  /** In the place of the mark of `level`, where that changes while the page is shown. */
  readonly sign?: HTMLElement;
  readonly show: () => Child | Promise<Child>;
}

/** The steps, and what the one in the address is about; the first that is not done where it names none. */
export async function setup(desk: Desk, found: DomainDetail): Promise<Child> {
  const domain = found.row.domain;
  const [records, reports, overview] = await Promise.all([
    desk.client.dns_records(domain),
    desk.client.dns_reports(domain),
    desk.client.overview(),
  ]);
  const hosts = hostsOf(records, overview.certificates);
  const checked = el("span");
  const told = (all: readonly DNSReport[]) => fill(checked, mark(...ofReports(all)));
  const [level, word] = ofReports(reports);
  told(reports);
  const steps: readonly Step[] = [
    mailboxes(desk, found),
    {
      name: "dns",
      title: t("DNS records"),
      level,
      word,
      sign: checked,
      show: () => dns(desk, domain, { again: period, told }),
    },
    certificates(found, hosts),
    {
      name: "test",
      title: t("Test email"),
      level: "wait",
      word: t("to do"),
      show: () => test(desk, found),
    },
  ];
  const wanted = desk.address.query.get("step");
  const at = steps.find((one) => one.name === wanted) ?? steps.find((one) => one.level !== "ok") ?? steps[0]!;
  const next = steps[steps.indexOf(at) + 1];
  const link = (step: string) => addressOf("domains", [domain], { tab: "setup", step });
  if (at.name !== wanted) desk.note(link(at.name)); // a step that is done now stays in sight
  const list = el(
    "ol",
    { class: "stages", "aria-label": t("Steps") },
    el("li", {}, el("span", {}, mark("ok", t("done")), t("Name"))),
    steps.map((one) =>
      el(
        "li",
        {},
        el(
          "a",
          { href: link(one.name), "aria-current": one === at ? "step" : undefined },
          one.sign ?? mark(one.level, one.word),
          one.title,
        ),
      ),
    ),
  );
  return [
    list,
    await at.show(),
    next !== undefined &&
      el(
        "p",
        { class: "next" },
        el("a", { class: "btn primary", href: link(next.name) }, t("Next: {step}", { step: next.title })),
      ),
  ];
}

function mailboxes(desk: Desk, found: DomainDetail): Step {
  const domain = found.row.domain;
  const all = [
    ...found.addresses.map((one) => [one, t("address")] as const),
    ...found.aliases.map((one) => [one.address, t("alias")] as const),
  ];
  const own = all.some(([one]) => one.toLowerCase() === `postmaster@${domain}`);
  return {
    name: "mailboxes",
    title: t("Addresses"),
    level: all.length > 0 ? "ok" : "wait",
    word: all.length > 0 ? t("done") : t("to do"),
    show: () => [
      card(
        t("Addresses"),
        el(
          "ul",
          { class: "lines" },
          !own &&
            el(
              "li",
              {},
              el(
                "div",
                { class: "grow" },
                el("b", {}, el("bdi", {}, `postmaster@${domain}`)),
                el("div", { class: "hint" }, t("Delivers to this server's postmaster.")),
              ),
            ),
          all.map(([one, kind]) =>
            el(
              "li",
              {},
              el("div", { class: "grow" }, el("b", {}, el("bdi", {}, one)), el("div", { class: "hint" }, kind)),
            ),
          ),
        ),
        {
          flush: true,
          actions: [
            button(t("Add address"), () => void addAddress(desk, domain), {
              icon: plus,
              kind: all.length > 0 ? "line" : "primary",
            }),
            button(t("Add alias"), () => void addAlias(desk, domain), { icon: plus }),
          ],
          hint: t("Addresses that receive mail here."),
        },
      ),
      desk.peer(domain),
    ],
  };
}

/** Give an account an address here; or make one for it, whose password is shown once. */
async function addAddress(desk: Desk, domain: string): Promise<void> {
  const { accounts } = await desk.client.accounts("", "", 200);
  const fresh = "";
  const address = line(t("Address"), `@${domain}`, null, { inputmode: "email" });
  const account = choice(
    t("Account"),
    [[fresh, t("new account")], ...accounts.map((one) => [one.name, one.name] as const)],
    accounts[0]?.name ?? fresh,
  );
  const name = line(t("New account name"), "", t("Lowercase letters, digits, dots, and hyphens."));
  const toggle = () => (name.root.hidden = account.control.value !== fresh);
  account.control.addEventListener("change", toggle);
  toggle();
  const password = await fieldDialog(t("Add address"), t("Add address"), { address, account, name }, async () => {
    if (account.control.value === fresh) return desk.client.account_add(name.control.value, address.control.value);
    await desk.client.config_address_add(address.control.value, account.control.value);
    return "";
  });
  if (password === null) return;
  if (password !== "")
    await showSecret(
      t("Account added"),
      t("Copy {name}'s password now. You won't be able to see it again.", { name: name.control.value }),
      copyable(password),
    );
  await desk.refresh();
}

function ofReports(reports: readonly DNSReport[]): readonly [Level, string] {
  const checked = reports.filter((one) => one.at > 0);
  const bad = checked.filter((one) => one.errors.length > 0);
  const wrong = bad.some((one) => needed.has(one.topic));
  const done = checked.length === reports.length && !wrong;
  if (wrong) return ["danger", t("wrong")];
  return done ? [bad.length > 0 ? "warn" : "ok", t("done")] : ["wait", t("to do")];
}

interface Host {
  readonly name: string;
  readonly certificate: Certificate | null;
}

/** The names of a domain that lead to this machine, with the certificate of each. */
function hostsOf(records: readonly DNSRecord[], all: readonly Certificate[]): Host[] {
  const names = records.filter((one) => one.kind === "CNAME").map((one) => one.name.replace(/\.$/, ""));
  return [...new Set(names)].map((name) => ({
    name,
    certificate: all.find((one) => one.names.some((other) => covers(other, name))) ?? null,
  }));
}

const covers = (pattern: string, name: string): boolean =>
  pattern === name || (pattern.startsWith("*.") && name.slice(name.indexOf(".")) === pattern.slice(1));

function certificates(found: DomainDetail, hosts: readonly Host[]): Step {
  const left = hosts.filter((one) => one.certificate === null).length;
  const keys = found.selectors.filter((one) => one.signs);
  const broken = found.selectors.filter((one) => one.problem !== "");
  return {
    name: "certificates",
    title: t("Keys and certificates"),
    level: broken.length > 0 ? "danger" : left > 0 ? "wait" : "ok",
    word: broken.length > 0 ? t("wrong") : left > 0 ? t("to do") : t("done"),
    show: () => [
      card(
        t("DKIM keys"),
        [
          el(
            "p",
            {},
            keys.length > 0
              ? state("ok", many(keys.length, "{n} key signs outgoing mail.", "{n} keys sign outgoing mail."))
              : state("danger", t("Outgoing mail isn't signed.")),
          ),
          broken.map((one) => notice("danger", visible(one.problem))),
        ],
        {
          actions: el(
            "a",
            { class: "btn line", href: addressOf("domains", [found.row.domain], { tab: "keys" }) },
            t("View keys"),
          ),
        },
      ),
      hosts.length > 0 &&
        card(
          t("Certificates"),
          el(
            "ul",
            { class: "lines" },
            hosts.map((one) =>
              el(
                "li",
                {},
                el(
                  "div",
                  { class: "grow" },
                  el("b", {}, one.name),
                  el(
                    "div",
                    { class: "hint" },
                    one.certificate === null
                      ? t("Requested automatically when the DNS record points to this server.")
                      : one.certificate.own
                        ? t("Self-signed. Other servers won't trust this certificate.")
                        : one.certificate.issuer,
                  ),
                ),
                one.certificate === null
                  ? state("wait", t("inactive"))
                  : one.certificate.own
                    ? state("warn", t("weak"))
                    : state("ok", t("correct")),
              ),
            ),
          ),
          {
            flush: true,
            hint: t("If another web server uses port 443, it provides the certificates."),
          },
        ),
    ],
  };
}

/** Send a message out, or to one of the domain's own addresses, and tell how far it came. */
function test(desk: Desk, found: DomainDetail): Child {
  const address = line(
    t("To"),
    found.addresses.find((one) => !one.startsWith("@")) ?? "",
    t("Use an address in this domain, or your address at another provider to check the message details there."),
    { inputmode: "email" },
  );
  const told = el("div", { "aria-live": "polite", class: "stack next" });
  const form = fieldForm({ send_to: address }, t("Send test email"), async () => {
    fill(told, notice("wait", t("Testing… This can take up to 3 minutes.")));
    try {
      fill(told, result(await desk.client.doctor_mail(address.control.value.trim())));
    } catch (error) {
      fill(told);
      throw error;
    }
  });
  return card(t("Test email"), [form, told], {
    hint: t("The server delivers and reads a test message, then sends one from its postmaster to this address."),
  });
}

function result(sent: Sent): Child {
  const bad = sent.findings.filter((one) => one.grade !== "note");
  return [
    bad.length === 0
      ? notice("ok", t("Ready to send and receive mail."))
      : notice("danger", t("The test was interrupted.")),
    el(
      "ul",
      { class: "lines" },
      sent.steps.map((one) => el("li", {}, mark("ok", t("done")), el("div", { class: "grow" }, visible(one)))),
      sent.findings.map((one) =>
        el(
          "li",
          {},
          mark(one.grade === "error" ? "danger" : "warn", t("wrong")),
          el(
            "div",
            { class: "grow" },
            visible(one.text),
            one.commands.map((command) => el("div", {}, copyable(command))),
          ),
        ),
      ),
    ),
  ];
}
