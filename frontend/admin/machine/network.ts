// How others see the server: own addresses on block lists and their reverse names; the ways by which mail goes out; the web server.

import type { Listing, OwnAddresses, ReverseName, TransportRow } from "../../gen/admin";
import { messageOf } from "../../lib/client";
import { attempt } from "../../lib/dialogs";
import { type Child, el, fill } from "../../lib/dom";
import { choice, line } from "../../lib/fields";
import { refreshCw, route } from "../../lib/icons";
import { button, card, foreign, head, iconButton, pairs, table } from "../../lib/pages";
import { empty, notice, state } from "../../lib/states";
import { ago } from "../../lib/times";
import { t } from "../../lib/words";
import type { Desk } from "../ui/page";
import { fieldDialog, fieldForm, settingsForm } from "../ui/shared";

type Page = { title: string; root: HTMLElement };

const listingState = (row: Listing): Child => {
  switch (row.status) {
    case "pass":
      return state("ok", t("not listed"));
    case "fail":
      return state("danger", t("listed"));
    case "temperror":
      return state("warn", t("no response"));
    case "unknown":
      return state("unknown", t("not checked yet"));
  }
};

/** Own addresses on block lists, and their reverse names. */
export async function networkPage(desk: Desk): Promise<Page> {
  const found = await desk.client.own_addresses();
  const root = el(
    "div",
    { class: "page" },
    head(t("Network"), t("How other mail servers see this server.")),
    !found.asks && notice("unknown", t("localserve doesn't contact other servers, so lookups aren't available.")),
    !found.known &&
      notice(
        "unknown",
        t(
          "This server's public addresses aren't configured, for example because of NAT. Set nat_ips for the listener in moxlite.toml.",
        ),
      ),
    card(t("Reverse DNS"), await reverse(desk, found), {
      hint: t(
        "Other servers expect your address to have a reverse DNS name that points back to it. Your provider can set this.",
      ),
    }),
    card(t("Block lists"), listings(desk, found), {
      flush: found.listings.length > 0,
      hint: t("Checked every 3 hours, or more often when you send a lot of mail."),
    }),
    card(t("Monitored lists"), await settingsForm(desk, [], (name) => name === "monitor_dnsbls"), {
      hint:
        found.refusing.length > 0
          ? t("Mail is rejected based on these lists: {zones}. To change them, edit moxlite.toml.", {
              zones: found.refusing.join(", "),
            })
          : t("No block lists reject mail. To add one, set smtp.dnsbls for a listener in moxlite.toml."),
    }),
    card(t("Trusted forwarders"), await settingsForm(desk, [], (name) => name === "arc")),
  );
  return { title: t("Network"), root };
}

function listings(desk: Desk, found: OwnAddresses): Child {
  if (found.listings.length === 0) return el("p", { class: "hint" }, t("No monitored lists"));
  return table<Listing>(
    t("Block lists"),
    [
      { title: t("List"), kind: "main", cell: (row) => el("b", {}, row.zone) },
      { title: t("Address"), cell: (row) => row.ip },
      {
        title: t("Status"),
        cell: (row) => [
          listingState(row),
          (row.explanation !== "" || row.problem !== "") &&
            el("div", { class: "hint reason" }, foreign(row.explanation || row.problem, 200)),
        ],
      },
      {
        title: t("Checked"),
        cell: (row) =>
          row.at === 0 ? el("span", { class: "muted" }, t("never")) : el("span", { class: "nowrap" }, ago(row.at)),
      },
      {
        title: "",
        kind: "top",
        cell: (row) =>
          iconButton(t("Check {ip} on {zone} now", { zone: row.zone, ip: row.ip }), refreshCw, async () => {
            if (
              await attempt(
                t("Checking {zone}…", { zone: row.zone }),
                t("Couldn't check {zone}", { zone: row.zone }),
                () => desk.client.listing_check(row.zone, row.ip),
              )
            )
              await desk.refresh();
          }),
      },
    ],
    found.listings,
  );
}

function reverseState(found: ReverseName, hostname: string): Child {
  const names = found.names.length > 0 ? [" ", foreign(found.names.join(", "), 200)] : null;
  if (found.status === "pass") {
    const same = found.name.toLowerCase() === hostname.toLowerCase();
    return [state(same ? "ok" : "warn", same ? t("correct") : t("doesn't match {hostname}", { hostname })), names];
  }
  const words = { fail: t("doesn't point back"), permerror: t("no reverse DNS"), temperror: t("unknown") };
  return [
    state(found.status === "temperror" ? "unknown" : "danger", words[found.status]),
    names,
    found.problem !== "" && el("div", { class: "hint" }, foreign(found.problem, 200)),
  ];
}

async function reverse(desk: Desk, own: OwnAddresses): Promise<Child> {
  const rows = own.ips.map((ip) => ({
    ip,
    place: el("span", {}, own.asks ? t("Checking…") : state("unknown", t("not checked"))),
  }));
  if (own.asks) {
    for (const row of rows) {
      desk.client
        .reverse_lookup(row.ip)
        .then((found) => fill(row.place, reverseState(found, own.hostname)))
        .catch((error: unknown) => fill(row.place, state("unknown", t("unknown")), " ", messageOf(error)));
    }
  }
  const ip = line(t("Look up another address"), "", null, { inputmode: "text", placeholder: "192.0.2.1" });
  const answer = el("div", { "aria-live": "polite" });
  const form = fieldForm({ ip }, t("Look up"), async () => {
    fill(answer, t("Checking…"));
    try {
      const found = await desk.client.reverse_lookup(ip.control.value);
      fill(
        answer,
        pairs([
          [
            found.ip,
            found.status === "pass"
              ? [state("ok", t("points back")), " ", foreign(found.name)]
              : reverseState(found, own.hostname),
          ],
        ]),
      );
    } catch (error) {
      fill(answer);
      throw error;
    }
  });
  return [rows.length > 0 && pairs(rows.map((row) => [row.ip, row.place])), rows.length > 0 && el("br"), form, answer];
}

const methods: Readonly<Record<TransportRow["method"], string>> = {
  submissions: t("relay with implicit TLS"),
  submission: t("relay with STARTTLS, port 587"),
  smtp: t("relay with STARTTLS, port 25"),
  socks: t("SOCKS proxy"),
  direct: t("direct"),
  fail: t("fails immediately"),
};

function values(settings: Readonly<Record<string, unknown>>, prefix = ""): [string, string][] {
  return Object.entries(settings).flatMap(([name, value]): [string, string][] => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return values(value as Record<string, unknown>, `${prefix}${name}.`);
    return [[`${prefix}${name}`, Array.isArray(value) ? value.join(", ") : String(value)]];
  });
}

/** Transports, and the routes that choose them for all mail. */
export async function routesPage(desk: Desk): Promise<Page> {
  const found = await desk.client.transport_list();
  const list = table<TransportRow>(
    t("Transports"),
    [
      { title: t("Transport"), kind: "main", cell: (row) => el("b", {}, el("bdi", {}, row.name)) },
      { title: t("Type"), cell: (row) => methods[row.method] },
      {
        title: t("Settings"),
        cell: (row) =>
          el(
            "details",
            {},
            el("summary", {}, foreign(String(row.settings["host"] ?? row.settings["address"] ?? t("show")), 80)),
            pairs(values(row.settings).map(([name, value]) => [name, foreign(value, 120)])),
          ),
      },
      {
        title: t("Used by routes for"),
        cell: (row) =>
          row.used.length === 0
            ? el("span", { class: "muted" }, t("none"))
            : foreign([...new Set(row.used)].join(", "), 120),
      },
    ],
    found,
  );
  const none = empty(
    route,
    t("No transports"),
    t(
      "Mail is delivered directly to recipients' servers. To add a transport, such as a smarthost, set [transports.NAME] in moxlite.toml.",
    ),
  );
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Routes"),
      t("How outgoing mail is delivered."),
      found.length > 0 && button(t("Add route"), () => void addRoute(desk, found)),
    ),
    card(t("Transports"), found.length === 0 ? none : list, {
      flush: true,
      hint:
        found.length === 0
          ? null
          : t("To change transports, edit moxlite.toml and restart the server. Passwords are hidden."),
    }),
    card(t("Routes for all mail"), await settingsForm(desk, [], (name) => name === "routes"), {
      hint: t(
        "Only the first matching route applies. Account routes are checked first, then domain routes, then these.",
      ),
    }),
  );
  return { title: t("Routes"), root };
}

/** Ask for the three fields of a route, and add it: one for some domains before those for all, which would take its mail. */
async function addRoute(desk: Desk, transports: readonly TransportRow[]): Promise<void> {
  const names = transports.map((one): [string, string] => [one.name, `${one.name}, ${methods[one.method]}`]);
  const hint = t("Domains, separated by spaces. For subdomains, use .example.org. Leave blank for all.");
  const fields = {
    transport: choice(t("Transport"), names, names[0]?.[0] ?? ""),
    to_domain: line(t("To addresses at"), "", hint),
    from_domain: line(t("From addresses at"), "", hint),
  };
  const domains = (one: "to_domain" | "from_domain") => {
    const typed = fields[one].control.value.split(/[\s,]+/).filter((word) => word !== "");
    return typed.length > 0 ? { [one]: typed } : {};
  };
  const done = await fieldDialog(t("Route"), t("Add"), fields, async () => {
    const { values } = await desk.client.settings([]);
    const before: unknown[] = Array.isArray(values["routes"]) ? values["routes"] : [];
    const some = { ...domains("to_domain"), ...domains("from_domain") };
    const made = { transport: fields.transport.control.value, ...some };
    const routes = Object.keys(some).length > 0 ? [made, ...before] : [...before, made];
    await desk.client.settings_save([], values, { ...values, routes });
    return true;
  });
  if (done !== true) return;
  desk.say(t("Added"));
  await desk.refresh();
}

/** Add a handler of the web server in front of those whose paths are shorter: they would take its requests. */
async function addHandler(desk: Desk, host: string, path: string, what: Record<string, unknown>): Promise<void> {
  const { values } = await desk.client.settings([]);
  const before = Array.isArray(values["web_handlers"]) ? (values["web_handlers"] as Record<string, unknown>[]) : [];
  const pattern = `^${path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`;
  const made = { domain: host, path_regexp: pattern, ...what };
  const at = before.findIndex(
    (one) => one["domain"] === host && String(one["path_regexp"] ?? "").length < pattern.length,
  );
  const place = at < 0 ? before.length : at;
  const handlers = [...before.slice(0, place), made, ...before.slice(place)];
  await desk.client.settings_save([], values, { ...values, web_handlers: handlers });
}

/** Ask for the three fields of a handler, and add it. */
async function ask(
  desk: Desk,
  title: string,
  third: ReturnType<typeof line>,
  what: (typed: string) => Record<string, unknown>,
): Promise<void> {
  const fields = {
    domain: line(t("Host"), "", t("For example, www.example.org. DNS must point to this server.")),
    path_regexp: line(t("Path"), "/", t("Includes all paths below this one. For the entire host, use /.")),
    third,
  };
  const done = await fieldDialog(title, t("Add"), fields, async () => {
    if (!fields.path_regexp.control.value.startsWith("/")) {
      fields.path_regexp.problem(t("Start the path with /."));
      throw new Error(t("Your changes weren't saved."));
    }
    await addHandler(
      desk,
      fields.domain.control.value.trim(),
      fields.path_regexp.control.value,
      what(third.control.value.trim()),
    );
    return true;
  });
  if (done !== true) return;
  desk.say(t("Added"));
  await desk.refresh();
}

function addSite(desk: Desk): Promise<void> {
  const folder = line(t("Folder"), "", t("Folder on this server. For example, /srv/www"));
  return ask(desk, t("Static site"), folder, (root) => ({ static: { root } }));
}

function addRedirect(desk: Desk): Promise<void> {
  const target = line(t("To"), "", t("For example, https://example.com. The path and query are kept."));
  return ask(desk, t("Redirect"), target, (url) => ({ redirect: { base_url: url } }));
}

function addProxy(desk: Desk): Promise<void> {
  const server = line(t("Backend server"), "", t("For example, http://127.0.0.1:3000"));
  return ask(desk, t("Proxy"), server, (url) => ({ forward: { url } }));
}

/** Redirects and handlers of the web server. */
export async function webPage(desk: Desk): Promise<Page> {
  const root = el(
    "div",
    { class: "page" },
    head(t("Web server"), t("Host websites on listeners with webserver_http or webserver_https.")),
    card(
      t("Add to web server"),
      el(
        "div",
        { class: "flex wrap gap" },
        button(t("Static site"), () => void addSite(desk), { kind: "primary" }),
        button(t("Redirect"), () => void addRedirect(desk)),
        button(t("Proxy"), () => void addProxy(desk)),
      ),
      { hint: t("Fill in these 3 fields to start. You can change other settings later.") },
    ),
    card(t("Redirects"), await settingsForm(desk, [], (name) => name === "web_domain_redirects"), {
      hint: t("Redirect one host to another. The path and query are kept."),
    }),
    card(t("Handlers"), await settingsForm(desk, [], (name) => name === "web_handlers"), {
      hint: t(
        "The first matching handler serves the request. A handler must have exactly one of static, redirect, forward, or internal.",
      ),
    }),
  );
  return { title: t("Web server"), root };
}
