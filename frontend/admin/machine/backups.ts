// Backups: the snapshots that there are, and one made now.

import type { BackupRun, Backups, SnapshotRow } from "../../gen/admin";
import { codeOf } from "../../lib/client";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { database } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { button, card, copyButton, foreign, head, pairs, table } from "../../lib/pages";
import { empty, notice, state } from "../../lib/states";
import { ago, agoShort, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import type { Desk } from "../ui/page";

/** Milliseconds between two looks while a backup is made. */
const period = 2000;

/** Backups of the whole server. */
export async function backupsPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.backups();
  const runs = found.running || (found.run !== null && found.run.ended === 0);
  if (runs) {
    const timer = setTimeout(() => {
      if (desk.shown()) void desk.refresh().catch((error: unknown) => codeOf(error) === null && Promise.reject(error));
    }, period);
    desk.onLeave(() => clearTimeout(timer));
  }
  const start = button(t("Back up now"), () => void begin(desk, found), { icon: database, kind: "primary" });
  start.disabled = runs;
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Backups"),
      t("Snapshots of your configuration and mail, created while the server is running."),
      found.target !== "" && start,
    ),
    found.target === ""
      ? unset()
      : [
          runs && notice("wait", t("Backup in progress.")),
          found.run !== null && found.run.ended > 0 && outcome(found.run),
          settings(found),
          snapshots(found),
        ],
  );
  return { title: t("Backups"), root };
}

function unset(): HTMLElement {
  const text = '[backup]\nschedule = "24h"\ntarget = "/mnt/backup/moxlite"';
  return card(
    "",
    empty(
      database,
      t("Backups are off"),
      t("To turn on backups, set a schedule and a target on another disk in moxlite.toml, then restart the server:"),
      el("pre", { class: "zone" }, text),
      copyButton(() => text, t("Copy")),
    ),
  );
}

function settings(found: Backups): HTMLElement {
  const late = found.interval > 0 && Date.now() * 1000 - found.last > 2 * found.interval;
  return card(
    t("Settings"),
    pairs([
      [
        t("Last backup"),
        found.last === 0
          ? state("warn", t("No backup yet"))
          : [state(late ? "warn" : "ok", ago(found.last)), " ", when(found.last)],
      ],
      [t("Schedule"), agoShort(found.interval)],
      [t("Target"), foreign(found.target, 200)],
      [
        t("Encrypted"),
        found.encrypted ? state("ok", t("yes")) : t("no (anyone with access to the target can read all mail)"),
      ],
      [
        t("Kept"),
        found.encrypted
          ? t("all, until you delete them (the server can't read them)")
          : many(found.keep_weekly, "{days} daily and {n} weekly backup", "{days} daily and {n} weekly backups", {
              days: found.keep_daily,
            }),
      ],
    ]),
  );
}

function outcome(run: BackupRun): Child {
  const many_ = (title: string, lines: readonly string[]) =>
    lines.length > 0 && [
      el("p", {}, title),
      el(
        "ul",
        {},
        lines.map((one) => el("li", {}, foreign(one, 300))),
      ),
    ];
  if (run.errors.length > 0)
    return notice("danger", [
      t("The backup from {when} is incomplete.", { when: ago(run.ended) }),
      many_(t("Errors:"), run.errors),
    ]);
  return notice(run.warnings.length + run.left_out.length > 0 ? "warn" : "ok", [
    t("Backed up {size} ({stored} new).", { size: size(run.octets), stored: size(run.stored) }),
    many_(t("Warnings:"), run.warnings),
    many_(t("Not included, so a restored server would create new keys:"), run.left_out),
  ]);
}

function snapshots(found: Backups): HTMLElement {
  if (found.problem !== "")
    return card(t("Snapshots"), notice("danger", [t("Couldn't list snapshots:"), " ", foreign(found.problem)]));
  if (found.snapshots.length === 0) return card(t("Snapshots"), el("p", { class: "two" }, t("No snapshots yet.")));
  const list = table<SnapshotRow>(
    t("Snapshots"),
    [
      { title: t("Created"), kind: "main", cell: (row) => when(row.created) },
      { title: t("ID"), cell: (row) => el("code", {}, row.id) },
      { title: t("Files"), kind: "num", cell: (row) => (row.files < 0 ? "–" : t("{n}", { n: row.files })) },
      { title: t("Size"), kind: "num", cell: (row) => (row.octets < 0 ? "–" : size(row.octets)) },
    ],
    found.snapshots,
  );
  return card(many(found.snapshots.length, "{n} snapshot", "{n} snapshots"), list, {
    flush: true,
    hint: el(
      "p",
      { class: "hint" },
      t("To restore a snapshot, run this command. The server doesn't need to be running."),
      " ",
      el("code", {}, "moxlite restore"),
    ),
  });
}

async function begin(desk: Desk, found: Backups): Promise<void> {
  if (
    !(await confirm(
      t("Back up now?"),
      t("This will create a full snapshot in {target}. Mail will keep working.", { target: found.target }),
      t("Back up"),
      "primary",
    ))
  )
    return;
  if (await attempt(t("Starting backup…"), t("Couldn't start backup"), () => desk.client.backup_run()))
    await desk.refresh();
}
