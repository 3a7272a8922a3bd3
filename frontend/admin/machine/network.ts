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
      return state("warn", t("no answer"));
    case "unknown":
      return state("unknown", t("not asked yet"));
  }
};

/** Own addresses on block lists, and their reverse names. */
export async function networkPage(desk: Desk): Promise<Page> {
  const found = await desk.client.own_addresses();
  const root = el(
    "div",
    { class: "page" },
    head(t("Network"), t("How other mail servers see this one.")),
    !found.asks &&
      notice("unknown", t("localserve asks nothing outside of this machine, so nothing can be looked up here.")),
    !found.known &&
      notice(
        "unknown",
        t(
          "The configuration does not tell by which addresses others know this server, as behind NAT. Set nat_ips of the listener in moxlite.toml.",
        ),
      ),
    card(t("Reverse names"), await reverse(desk, found), {
      hint: t(
        "Other servers want the address of a mail server to have a name that leads back to it. Your provider sets it.",
      ),
    }),
    card(t("Block lists"), listings(desk, found), {
      flush: found.listings.length > 0,
      hint: t("Asked every 3 hours, and sooner when much is sent."),
    }),
    card(t("Lists that are only watched"), await settingsForm(desk, [], (name) => name === "monitor_dnsbls"), {
      hint:
        found.refusing.length > 0
          ? t("By the word of these lists, mail is refused: {zones}. They are set in moxlite.toml.", {
              zones: found.refusing.join(", "),
            })
          : t("No list refuses mail here. Such lists are set in moxlite.toml, as smtp.dnsbls of a listener."),
    }),
    card(t("Trusted forwarders"), await settingsForm(desk, [], (name) => name === "arc")),
  );
  return { title: t("Network"), root };
}

function listings(desk: Desk, found: OwnAddresses): Child {
  if (found.listings.length === 0) return el("p", { class: "hint" }, t("No list is watched."));
  return table<Listing>(
    t("Block lists"),
    [
      { title: t("List"), kind: "main", cell: (row) => el("b", {}, el("bdi", {}, row.zone)) },
      { title: t("Address"), cell: (row) => row.ip },
      {
        title: t("Status"),
        cell: (row) => [
          listingState(row),
          (row.explanation !== "" || row.problem !== "") &&
            el("div", { class: "hint" }, foreign(row.explanation || row.problem, 200)),
        ],
      },
      { title: t("Asked"), cell: (row) => (row.at === 0 ? el("span", { class: "muted" }, t("not yet")) : ago(row.at)) },
      {
        title: "",
        kind: "top",
        cell: (row) =>
          iconButton(t("Ask {zone} about {ip} now", { zone: row.zone, ip: row.ip }), refreshCw, async () => {
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
    return [state(same ? "ok" : "warn", same ? t("correct") : t("another name than {hostname}", { hostname })), names];
  }
  const words = { fail: t("does not lead back"), permerror: t("has no name"), temperror: t("not known now") };
  return [
    state(found.status === "temperror" ? "unknown" : "danger", words[found.status]),
    names,
    found.problem !== "" && el("div", { class: "hint" }, foreign(found.problem, 200)),
  ];
}

async function reverse(desk: Desk, own: OwnAddresses): Promise<Child> {
  const rows = own.ips.map((ip) => ({
    ip,
    place: el("span", {}, own.asks ? t("Asking…") : state("unknown", t("not asked"))),
  }));
  if (own.asks) {
    for (const row of rows) {
      desk.client
        .reverse_lookup(row.ip)
        .then((found) => fill(row.place, reverseState(found, own.hostname)))
        .catch((error: unknown) => fill(row.place, state("unknown", t("not known now")), " ", messageOf(error)));
    }
  }
  const ip = line(t("Look up another address"), "", null, { inputmode: "text", placeholder: "192.0.2.1" });
  const answer = el("div", { "aria-live": "polite" });
  const form = fieldForm({ ip }, t("Look up"), async () => {
    fill(answer, t("Asking…"));
    try {
      const found = await desk.client.reverse_lookup(ip.control.value);
      fill(
        answer,
        pairs([
          [
            found.ip,
            found.status === "pass"
              ? [state("ok", t("leads back")), " ", foreign(found.name)]
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
  submissions: t("relay with TLS from the start"),
  submission: t("relay with STARTTLS, port 587"),
  smtp: t("relay with STARTTLS, port 25"),
  socks: t("through a SOCKS proxy"),
  direct: t("directly"),
  fail: t("fails at once"),
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
      { title: t("How"), cell: (row) => methods[row.method] },
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
        title: t("Chosen by routes of"),
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
      "All mail goes directly to the servers of its recipients. A transport, such as a smarthost, is set in moxlite.toml as [transports.NAME].",
    ),
  );
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Routes"),
      t("By which way mail goes out."),
      found.length > 0 && button(t("Add a route"), () => void addRoute(desk, found)),
    ),
    card(t("Transports"), found.length === 0 ? none : list, {
      flush: true,
      hint:
        found.length === 0
          ? null
          : t("They are set in moxlite.toml; a restart of the server reads it. Passwords are not shown."),
    }),
    card(t("Routes for all mail"), await settingsForm(desk, [], (name) => name === "routes"), {
      hint: t(
        "The first that matches counts. Routes of an account come first, then the routes of its domain, then the routes here.",
      ),
    }),
  );
  return { title: t("Routes"), root };
}

/** Ask for the three fields of a route, and add it: one for some domains before those for all, which would take its mail. */
async function addRoute(desk: Desk, transports: readonly TransportRow[]): Promise<void> {
  const names = transports.map((one): [string, string] => [one.name, `${one.name}, ${methods[one.method]}`]);
  const hint = t("Domains, with blanks between; .example.org is for all below it. Empty: all.");
  const fields = {
    transport: choice(t("Transport"), names, names[0]?.[0] ?? ""),
    to_domain: line(t("To addresses at"), "", hint),
    from_domain: line(t("From addresses at"), "", hint),
  };
  const domains = (one: "to_domain" | "from_domain") => {
    const typed = fields[one].control.value.split(/[\s,]+/).filter((word) => word !== "");
    return typed.length > 0 ? { [one]: typed } : {};
  };
  const done = await fieldDialog(t("A route"), t("Add"), fields, async () => {
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
    domain: line(t("Host"), "", t("Such as www.example.org. Its name must lead to this server in the DNS.")),
    path_regexp: line(t("Path"), "/", t("What is below it. / is the whole host.")),
    third,
  };
  const done = await fieldDialog(title, t("Add"), fields, async () => {
    if (!fields.path_regexp.control.value.startsWith("/")) {
      fields.path_regexp.problem(t("A path starts with /."));
      throw new Error(t("Nothing was saved."));
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
  const folder = line(t("Folder"), "", t("Where its files are on this machine, such as /srv/www."));
  return ask(desk, t("A site"), folder, (root) => ({ static: { root } }));
}

function addRedirect(desk: Desk): Promise<void> {
  const target = line(t("To"), "", t("A host, such as https://example.com. Path and query are kept."));
  return ask(desk, t("A redirect"), target, (url) => ({ redirect: { base_url: url } }));
}

function addProxy(desk: Desk): Promise<void> {
  const server = line(t("Server behind it"), "", t("Its address, such as http://127.0.0.1:3000."));
  return ask(desk, t("A proxy"), server, (url) => ({ forward: { url } }));
}

/** Redirects and handlers of the web server. */
export async function webPage(desk: Desk): Promise<Page> {
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Web server"),
      t("Web sites beside the mail: on ports of listeners with webserver_http or webserver_https."),
    ),
    card(
      t("Add to the web server"),
      el(
        "div",
        { class: "flex wrap gap" },
        button(t("A site"), () => void addSite(desk), { kind: "primary" }),
        button(t("A redirect"), () => void addRedirect(desk)),
        button(t("A proxy"), () => void addProxy(desk)),
      ),
      { hint: t("Three fields each. All others are below, once it is there.") },
    ),
    card(t("Redirects"), await settingsForm(desk, [], (name) => name === "web_domain_redirects"), {
      hint: t("The whole of a host to another host, with path and query kept."),
    }),
    card(t("Handlers"), await settingsForm(desk, [], (name) => name === "web_handlers"), {
      hint: t(
        "Tried in this order; the first that handles a request ends the search. Give each exactly one of static, redirect, forward, internal.",
      ),
    }),
  );
  return { title: t("Web server"), root };
}
