// The audit log: who changed what, when and from where, with old and new values.

import type { AuditFilter, AuditLine } from "../../gen/admin";
import { attempt } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { choice, line } from "../../lib/fields";
import { download, history } from "../../lib/icons";
import { button, card, foreign, head, table, visible } from "../../lib/pages";
import { empty, state } from "../../lib/states";
import { when } from "../../lib/times";
import { many, t } from "../../lib/words";
import { addressOf, type Desk, type PagePart } from "../ui/page";
import { filterForm } from "../ui/shared";

const perPage = 50;

const vias: readonly (readonly [string, string])[] = [
  ["", t("any source")],
  ["webadmin", t("this app")],
  ["adminapi", t("admin API")],
  ["webaccount", t("account page")],
  ["webmail", t("webmail")],
  ["cli", t("command line")],
  ["file", t("manual file edit")],
];
const wayOf = (via: string): string => vias.find(([name]) => name === via && name !== "")?.[1] ?? via;

const actors: Readonly<Record<string, string>> = {
  "(admin)": t("admin"),
  "(cli)": t("command line"),
  "(editor)": t("file editor"),
  "(visitor)": t("without login"),
};

function filterOf(query: URLSearchParams): AuditFilter {
  const found: AuditFilter = {};
  for (const name of ["actor", "object", "via", "words"] as const) {
    const value = query.get(name);
    if (value !== null && value !== "") found[name] = value;
  }
  const days = Number(query.get("days") ?? "");
  if (days > 0) found.since = Math.round((Date.now() - days * 86_400_000) * 1000);
  return found;
}

const asText = (value: unknown): string =>
  value === null || value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value);

/** What has changed: values with both versions, or else the arguments. */
function what(row: AuditLine): Child {
  const changes = row.changes.map((one) =>
    el(
      "li",
      {},
      el("span", { class: "muted" }, foreign(one.path, 120)),
      " ",
      foreign(asText(one.before), 120),
      " → ",
      el("b", {}, foreign(asText(one.after), 200)),
    ),
  );
  const given = Object.entries(row.given).filter(([, value]) => asText(value) !== row.object);
  return [
    el("b", {}, visible(row.action)),
    row.object !== "" && [" ", el("bdi", {}, visible(row.object))],
    row.outcome !== "done" && [" ", outcome(row)],
    row.why !== "" && el("div", { class: "hint" }, foreign(row.why, 200)),
    changes.length > 0
      ? folded(changes)
      : given.length > 0 &&
        el(
          "div",
          { class: "hint" },
          foreign(given.map(([name, value]) => `${name.replaceAll("_", " ")}: ${asText(value)}`).join("; "), 200),
        ),
  ];
}

/** A list of changes; more than a few are unfolded on demand. */
function folded(changes: readonly HTMLElement[]): Child {
  const some = changes.length > 4 ? 3 : changes.length;
  return [
    el("ul", { class: "changes" }, changes.slice(0, some)),
    some < changes.length &&
      el(
        "details",
        {},
        el("summary", { class: "hint" }, many(changes.length - some, "{n} more", "{n} more")),
        el("ul", { class: "changes" }, changes.slice(some)),
      ),
  ];
}

function outcome(row: AuditLine): HTMLElement {
  switch (row.outcome) {
    case "refused":
      return state("off", t("rejected"));
    case "failed":
      return state("danger", t("failed"));
    default:
      return state("unknown", t("interrupted when the server stopped"));
  }
}

/** A user, or an administrator or API client by name: "(admin NAME)", "(token NAME)". */
const actor = (name: string): Child =>
  name.startsWith("(")
    ? foreign(name.slice(1, -1), 120)
    : el("a", { href: addressOf("accounts", [name]) }, el("bdi", {}, visible(name)));

async function auditPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const query = desk.address.query;
  const filter = filterOf(query);
  const before = Number(query.get("before") ?? "0");
  const found = await desk.client.audit(filter, before, perPage);
  const list = table<AuditLine>(
    t("Changes"),
    [
      { title: t("When"), kind: "main", cell: (row) => when(row.at) },
      {
        title: t("User"),
        cell: (row) =>
          actors[row.actor] === undefined ? actor(row.actor) : el("span", { class: "nowrap" }, actors[row.actor]!),
      },
      { title: t("From"), cell: (row) => [row.remote_ip, el("div", { class: "hint nowrap" }, wayOf(row.via))] },
      { title: t("Action"), cell: what },
    ],
    found,
  );
  const current: Record<string, string> = Object.fromEntries(
    [...query.entries()].filter(([name]) => name !== "before"),
  );
  const last = found.at(-1);
  const following =
    last !== undefined && found.length === perPage
      ? addressOf("audit", [], { ...current, before: String(last.id) })
      : "";
  const filtered = Object.keys(filter).length > 0;
  const none =
    filtered || before > 0
      ? empty(
          history,
          t("No results"),
          t("No matching changes"),
          el("a", { class: "btn line", href: "#audit" }, t("Show all")),
        )
      : empty(
          history,
          t("No changes yet"),
          t(
            "Changes made on the command line, in this app, on the account page, or in domains.toml appear here for 1 year.",
          ),
        );
  const save = (form: "csv" | "json") =>
    void attempt(t("Exporting…"), t("Couldn't export"), async () =>
      offer(await desk.client.audit_export(filter, form), form),
    );
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Audit log"),
      t(
        "Changes made by admins and users, on the command line, in this app, or in domains.toml. Entries are kept for 1 year and never include secrets.",
      ),
      button(t("Export as CSV"), () => save("csv"), { icon: download }),
      button(t("as JSON"), () => save("json")),
    ),
    (found.length > 0 || query.size > 0) && filters(desk),
    card("", found.length === 0 ? none : list, { flush: true }),
    el(
      "div",
      { class: "pages" },
      before > 0 && el("a", { class: "btn line", href: addressOf("audit", [], current) }, t("Newest")),
      following !== "" && el("a", { class: "btn line", href: following }, t("Older")),
    ),
  );
  return { title: t("Audit log"), root };
}

function filters(desk: Desk): HTMLElement {
  const get = (name: string) => desk.address.query.get(name) ?? "";
  const fields = {
    words: line(t("Text"), get("words"), null, { placeholder: t("action, name, or value") }),
    actor: line(t("User"), get("actor"), null, { placeholder: t("account or (admin)") }),
    object: line(t("Target"), get("object"), null, { placeholder: t("account, address, or domain") }),
    via: choice(t("Source"), vias, get("via")),
    days: choice(
      t("When"),
      [
        ["", t("any time")],
        ["1", t("last day")],
        ["7", t("last 7 days")],
        ["30", t("last 30 days")],
      ],
      get("days"),
    ),
  };
  const apply = () =>
    desk.go(
      addressOf(
        "audit",
        [],
        Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, one.control.value.trim()])),
      ),
    );
  const form = filterForm(
    apply,
    Object.values(fields).map((one) => one.root),
  );
  return el(
    "details",
    { class: "filters", open: desk.address.query.size > 0 || innerWidth > 700 },
    el("summary", {}, t("Filter")),
    form,
  );
}

/** Give a text to the browser as a file. */
function offer(text: string, form: "csv" | "json"): void {
  const address = URL.createObjectURL(new Blob([text], { type: form === "csv" ? "text/csv" : "application/json" }));
  const link = el("a", { href: address, download: `moxlite-audit.${form === "csv" ? "csv" : "jsonl"}` });
  link.click();
  URL.revokeObjectURL(address);
}

export const pages: PagePart["pages"] = { audit: auditPage };
