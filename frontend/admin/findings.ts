// Findings: each has its action: a page of this app, or the line and the command.

import type { Finding } from "../gen/admin";
import { type Child, el } from "../lib/dom";
import { copyable, visible } from "../lib/pages";
import { t } from "../lib/words";
import { addressOf } from "./ui/page";

type Place = (one: Finding) => readonly [href: string, label: string];

const queue: Place = () => [addressOf("queue"), t("View queue")];
const log: Place = () => [addressOf("log"), t("View log")];
const network: Place = () => [addressOf("network"), t("View network")];
const backups: Place = () => [addressOf("backups"), t("View backups")];
const standby: Place = () => [addressOf("standby"), t("View standby server")];
const files: Place = () => [addressOf("config"), t("View configuration")];
const account =
  (tab: string): Place =>
  (one) => [addressOf("accounts", [one.about], { tab }), t("View account")];
const records: Place = (one) => [
  addressOf("domains", [one.about.split(" ")[0] ?? ""], { tab: "dns" }),
  t("View records"),
];

/** The page on which each kind is fixed; null for a kind that has only commands. */
const places: Readonly<Record<Finding["code"], Place | null>> = {
  "account-broken": account(""),
  "account-stopped": account(""),
  "address-blocked": queue,
  "backup-clock": backups,
  "backup-kept": backups,
  "backup-none": backups,
  "backup-old": backups,
  "backup-rehearsal": backups,
  "backup-same-disk": backups,
  "backup-sample": backups,
  "backup-unwritable": backups,
  "backup-without-keys": backups,
  "certificate-ending": network,
  "certificate-order": network,
  "certificate-unreadable": network,
  "child-down": log,
  "clock-unsynchronised": null,
  "clock-wrong": null,
  "config-error": files,
  "config-warning": files,
  "disk-low": null,
  "disk-slow": null,
  dns: records,
  "dns-changed": records,
  "dns-provider": records,
  "dns-server": null,
  "ipv6-only": null,
  "key-not-in-effect": files,
  "key-rotation": null,
  listed: null,
  "machine-slow": null,
  "mail-not-delivered": log,
  "mail-not-read": log,
  "mail-not-sent": log,
  "mail-rejected": log,
  "memory-short": () => [addressOf("metrics"), t("View metrics")],
  "no-admin-pages": null,
  "not-checked": null,
  "password-foreign": account("security"),
  "password-known": account("security"),
  "password-weak": account("security"),
  peer: (one) => [addressOf("domains", [one.about]), t("View domain")],
  permissions: null,
  placement: null,
  "port-25-blocked": null,
  "port-closed": network,
  "port-taken": network,
  "program-address": null,
  "program-in-clear": network,
  "queue-held": () => [addressOf("queue", [], { hold: "true" }), t("View queue")],
  "queue-stuck": queue,
  "quota-reached": account("settings"),
  "restart-needed": files,
  "sandbox-weak": null,
  "search-preparing": account(""),
  "server-down": null,
  "server-fault": log,
  "signature-wrong": null,
  "standby-behind": standby,
  "standby-lease": standby,
  "store-damaged": null,
  "task-down": log,
  update: null,
};

/** The link to the page on which a finding is fixed. */
export function action(one: Finding): Child {
  const place = places[one.code];
  if (place === null) return null;
  const [href, label] = place(one);
  return el("a", { class: "btn line", href }, label);
}

/** The line to change, and the commands; without page and commands, that which looks again. */
export function remedy(one: Finding): Child {
  const commands = one.commands.length === 0 && places[one.code] === null ? ["moxlite doctor"] : one.commands;
  return [
    one.file !== "" && !one.text.includes(one.file) && el("div", {}, el("code", {}, `${one.file}:${one.line}`)),
    commands.map((command) =>
      el("div", {}, /^(moxlite|systemctl|journalctl) /.test(command) ? copyable(command) : visible(command)),
    ),
  ];
}
