// The log: the newest lines, the lines of one connection, and the levels, which are changed while the server runs.

import type { Level, LogFound, Logged } from "../../gen/admin";
import { attempt } from "../../lib/dialogs";
import { type Child, el, fill, sign } from "../../lib/dom";
import { choice, line } from "../../lib/fields";
import { list as lines, search as lens } from "../../lib/icons";
import { card, copyable, foreign, head, table, tabs } from "../../lib/pages";
import { empty, notice, state, type Level as Tone } from "../../lib/states";
import { moment, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { fieldForm, filterForm } from "../ui/shared";

const names = ["error", "warn", "info", "debug", "trace", "traceauth", "tracedata"] as const;
type Name = (typeof names)[number];

const nameOf = (value: string): Name => names.find((one) => one === value) ?? "info";
const tones: Readonly<Record<string, Tone>> = { error: "danger", warn: "warn" };

const places = (on: string) =>
  tabs(t("Log"), [
    ["#log", t("Latest lines"), on === ""],
    ["#log/connection", t("Connection"), on === "connection"],
    ["#log/levels", t("Levels"), on === "levels"],
  ]);

/** The log, in three parts. */
export async function logPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const part = desk.address.path[0] ?? "";
  const content =
    part === "levels" ? await levels(desk) : part === "connection" ? await connection(desk) : await newest(desk);
  return { title: t("Log"), root: el("div", { class: "page" }, head(t("Log"), null), places(part), content) };
}

/** Lines of the log, newest first. */
export function shown(found: readonly Logged[]): HTMLElement {
  return el(
    "ol",
    { class: "loglines", tabindex: "0", "aria-label": t("Log lines") },
    [...found]
      .reverse()
      .map((one) =>
        el(
          "li",
          {},
          one.at > 0 && when(one.at),
          one.level !== "" && tones[one.level] !== undefined && state(tones[one.level]!, one.level),
          el("code", {}, foreign(one.at > 0 ? one.text.replace(/^t=\S+ /, "") : one.text, 600)),
        ),
      ),
  );
}

function source(found: LogFound): Child {
  if (found.file !== "")
    return found.whole
      ? t("Newest first, from {file}.", { file: found.file })
      : t("Newest first, from the last 32 MB in {file}.", { file: found.file });
  return found.since === 0
    ? t("Newest first.")
    : t("Newest first, in memory since {when}. For older lines, see the log destination, such as the journal.", {
        when: moment(found.since),
      });
}

async function newest(desk: Desk): Promise<Child> {
  const least = nameOf(desk.address.query.get("level") ?? "info");
  const wanted = desk.address.query.get("words") ?? "";
  const found = await desk.client.log_recent(least, wanted);
  const level = choice(
    t("Minimum level"),
    names.slice(0, 5).map((one): [string, string] => [one, one]),
    least,
  );
  const words = el("input", {
    type: "search",
    "aria-label": t("Search text"),
    placeholder: t("Search text"),
  });
  words.value = wanted;
  const apply = () =>
    desk.go(
      addressOf("log", [], { level: level.control.value === "info" ? "" : level.control.value, words: words.value }),
    );
  const form = filterForm(apply, level.root, el("label", { class: "search" }, sign(lens), words));
  const none = empty(lines, t("No lines"), t("No matching lines in memory."));
  return [
    form,
    card("", found.lines.length === 0 ? none : shown(found.lines), { flush: true }),
    el("p", { class: "hint below" }, source(found)),
  ];
}

async function connection(desk: Desk): Promise<Child> {
  const wanted = desk.address.query.get("id") ?? "";
  const id = line(
    t("ID"),
    wanted,
    t(
      "A 22-character ID from a Received field added by this server, or from an error page. You can also use the cid from a log line.",
    ),
  );
  const answer = el("div", { "aria-live": "polite" });
  const search = async () => {
    const found = await desk.client.log_of(id.control.value);
    desk.note(addressOf("log", ["connection"], { id: id.control.value.trim() }));
    fill(
      answer,
      found.problem !== "" && notice("warn", t("Couldn't read log file: {why}", { why: found.problem })),
      card(
        many(found.lines.length, "{n} line of connection {cid}", "{n} lines of connection {cid}", { cid: found.cid }),
        found.lines.length > 0
          ? shown(found.lines)
          : el(
              "div",
              {},
              el("p", { class: "two" }, t("No log lines left in memory. If logs go to the journal, run:")),
              copyable(`journalctl -u moxlite -g cid=${found.cid}`),
            ),
        { flush: found.lines.length > 0, hint: source(found) },
      ),
    );
  };
  const form = fieldForm({ received_id: id }, t("Show log lines"), search);
  if (wanted !== "") void attempt(t("Searching…"), t("Couldn't search log"), search);
  return [card("", form), answer];
}

async function levels(desk: Desk): Promise<Child> {
  const found = await desk.client.log_levels();
  const all = found.find((one) => one.pkg === "")?.level ?? "info";
  const set = async (row: Level, level: string, control: HTMLSelectElement) => {
    const before = row.level;
    const make = (value: string) => desk.client.log_level_set(row.pkg, value === "" ? "" : nameOf(value));
    const undo = () => (control.value = before);
    if (!(await attempt(t("Saving…"), t("Couldn't change log level"), () => make(level), undo))) return;
    desk.say(
      row.pkg === ""
        ? t("Log level set to {level}", { level })
        : level === ""
          ? t("{pkg} now uses the default level", { pkg: row.pkg })
          : t("{pkg} level set to {level}", { pkg: row.pkg, level }),
      {
        title: t("Undo"),
        run: () => void attempt(t("Undoing…"), t("Couldn't undo"), () => make(before)).then(() => desk.refresh()),
      },
    );
    await desk.refresh();
  };
  const select = (row: Level) => {
    const own = names.map((one): [string, string] => [one, one]);
    const values: [string, string][] = row.pkg === "" ? own : [["", t("default ({level})", { level: all })], ...own];
    const control = el(
      "select",
      { "aria-label": row.pkg === "" ? t("Level for all packages") : t("Level for {pkg}", { pkg: row.pkg }) },
      values.map(([value, words]) => el("option", { value, selected: value === row.level }, words)),
    );
    control.addEventListener("change", () => void set(row, control.value, control));
    return el("div", { class: "field" }, control);
  };
  const loud = found.filter((one) => one.level === "traceauth" || one.level === "tracedata");
  return [
    loud.length > 0 &&
      notice(
        "warn",
        t("These packages log passwords (traceauth, tracedata) or mail content (tracedata): {pkgs}.", {
          pkgs: loud.map((one) => (one.pkg === "" ? t("all packages") : one.pkg)).join(", "),
        }),
      ),
    card(
      t("Levels"),
      table<Level>(
        t("Levels"),
        [
          { title: t("Package"), kind: "main", cell: (row) => el("b", {}, row.pkg === "" ? t("All") : row.pkg) },
          { title: t("Level"), cell: select },
        ],
        found,
      ),
      {
        flush: true,
        hint: t(
          "Changes last until the server restarts. For permanent changes, set log_level and package_log_levels in moxlite.toml. traceauth also logs passwords, and tracedata also logs mail content.",
        ),
      },
    ),
  ];
}
