// Security: the password, all that can log in, log-in attempts, and the way out when a stranger was in.

import type { AppPasswordInfo, Attempt, PasswordState, SessionItem, TLSKeyInfo } from "../../gen/account";
import { browserName } from "../../lib/browsername";
import { attempt, confirm, dialog } from "../../lib/dialogs";
import { type Child, el, placed } from "../../lib/dom";
import { factorsCard } from "../../lib/factors";
import { atFields, choice, field, form, line, tick } from "../../lib/fields";
import { plus, shieldAlert } from "../../lib/icons";
import { protocolName } from "../../lib/logins";
import { button, card, copyButton, foreign, head, table } from "../../lib/pages";
import { state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { notMe } from "./notme";
import { providerCard } from "./provider";
import { firstWays, scopes, type Ways, waysCard } from "./ways";

const page = 20;
const day = 86_400_000;
const overHTTP: ReadonlySet<string> = new Set(["webapi", "dav", "jmap", "addresses", "sharing", "sieve"]);
/** Off for new ones: what an app sets up by these outlives its password. */
const chosen: ReadonlySet<string> = new Set(["imap", "submission", "dav", "jmap"]);

/** Whether a token, or a password, can be used for it. */
function suits(scope: string, token: boolean): boolean {
  return token ? overHTTP.has(scope) : scope !== "addresses";
}

const security: MakePage = async (desk) => {
  const ways: Ways = {
    page: (after, count) => desk.client.account_access(0, after, count),
    remove: (id) => desk.client.account_remove_access(id),
    refresh: () => desk.refresh(),
  };
  const [own, apps, sessions, keys, attempts, factors, provider, first] = await Promise.all([
    desk.client.password_state(),
    desk.client.account_app_password_list(),
    desk.client.session_list(),
    desk.client.config_tlspubkey_list(),
    desk.client.attempt_list("", page),
    factorsCard(desk.client, true),
    providerCard(desk),
    firstWays(ways),
  ]);
  const root = el(
    "div",
    { class: "page" },
    head(t("Security"), ""),
    password(desk, own, apps.length),
    factors,
    provider,
    logins(desk, sessions, apps, keys),
    attemptList(desk, attempts),
    waysCard(
      t("Who and what has access to my mail"),
      t("Everything that was set up, newest first, with when, by whom, and from where."),
      first,
      ways,
    ),
    card(
      t("See anything unfamiliar?"),
      [
        el(
          "p",
          { class: "two" },
          t(
            "Log out your other browsers, revoke all app passwords, get a new password, hold outgoing mail, and review mail sent in the last day.",
          ),
        ),
        el("p", { class: "two" }, t("You can also remove everything that was set up since a day you choose.")),
      ],
      { actions: button(t("This wasn't me"), () => void notMe(desk), { kind: "line danger", icon: shieldAlert }) },
    ),
  );
  return { title: t("Security"), root };
};

export const pages: Readonly<Record<string, MakePage>> = { security };

function password(desk: Desk, own: PasswordState, apps: number): HTMLElement {
  const changed =
    own.changed === null ? t("Not set yet.") : placed(t("Changed {time}."), { time: when(microseconds(own.changed)) });
  const said = own.app_passwords_required
    ? t("Only applies when you log in on the web. Mail apps need app passwords.")
    : t("Works on web pages and in mail apps.");
  return card(t("Password"), [
    el("p", { class: "two" }, changed, " ", said),
    !own.custom && el("p", { class: "hint" }, t("Your administrator requires a generated password for this account.")),
    el(
      "div",
      { class: "flex wrap gap" },
      own.custom && button(t("Change password"), () => void choosePassword(desk, apps), {}),
      button(t("Generate password"), () => void makePassword(desk, apps), {}),
    ),
  ]);
}

/** Say what a new password does, and offer what it does not do. */
function consequences(apps: number): Child {
  return apps === 0
    ? t("All other browsers and mail apps will be logged out.")
    : many(
        apps,
        "Other browsers will be logged out. {n} app password will still work.",
        "Other browsers will be logged out. {n} app passwords will still work.",
      );
}

async function choosePassword(desk: Desk, apps: number): Promise<void> {
  const done = await dialog<boolean>(t("Change password"), (close) => {
    const first = field(
      t("New password"),
      el("input", { type: "password", autocomplete: "new-password", minlength: "8", autofocus: true }),
      t("Use at least 8 characters. For example, 3 or 4 random words."),
    );
    const second = field(t("Confirm new password"), el("input", { type: "password", autocomplete: "new-password" }));
    const also = tick(t("Also revoke all app passwords"), false);
    const box = form(
      [el("p", { class: "dialog-text" }, consequences(apps)), first.root, second.root, apps > 0 && also.root],
      t("Change password"),
      async () => {
        if (first.control.value !== second.control.value) {
          second.problem(t("Passwords don't match."));
          return;
        }
        await desk.client.set_password(first.control.value);
        if (also.control.checked) await desk.client.app_password_remove_all();
        close(true);
      },
    );
    return [box.root, cancelButton(() => close(false))];
  });
  if (done !== true) return;
  desk.say(t("Password changed"));
  await desk.refresh();
}

async function makePassword(desk: Desk, apps: number): Promise<void> {
  const text =
    apps === 0
      ? t("Password updated. Other browsers and mail apps were logged out.")
      : t("You'll get a new password and be logged out in your other browsers. App passwords won't change.");
  if (!(await confirm(t("Generate a new password?"), text, t("Generate")))) return;
  let made = "";
  if (
    await attempt(
      t("Creating…"),
      t("Couldn't create password"),
      async () => (made = await desk.client.generate_password()),
    )
  ) {
    await showSecret(
      t("Your new password"),
      made,
      t("Write this down now. You won't be able to see it again."),
      apps > 0 ? endAll(desk) : null,
    );
    await desk.refresh();
  }
}

function endAll(desk: Desk): HTMLElement {
  return button(
    t("Also revoke all app passwords"),
    () =>
      void attempt(t("Revoking…"), t("Couldn't revoke app passwords"), () =>
        desk.client
          .app_password_remove_all()
          .then((n) => desk.say(many(n, "{n} app password revoked", "{n} app passwords revoked"))),
      ),
    { kind: "line danger" },
  );
}

/** Show a secret once, with a button that copies it. */
async function showSecret(title: string, secret: string, text: string, more: Child = null): Promise<void> {
  await dialog<void>(
    title,
    (close) => [
      el("p", { class: "dialog-text" }, text),
      el(
        "p",
        { class: "secret" },
        el("code", {}, secret),
        copyButton(() => secret),
      ),
      el(
        "div",
        { class: "dialog-buttons" },
        more,
        el("button", { class: "btn primary", type: "button", onclick: () => close() }, t("Done")),
      ),
    ],
    false,
  );
}

function cancelButton(cancel: () => void): HTMLElement {
  return el(
    "div",
    { class: "dialog-buttons" },
    el("button", { class: "btn", type: "button", onclick: cancel }, t("Cancel")),
  );
}

/** A browser, app or key that can log in. */
interface Login {
  readonly name: string;
  readonly chips: readonly string[];
  readonly kind: string;
  readonly access: Child;
  /** When and from where it was used last, or "" and words about that; null for never. */
  readonly used: readonly [at: string, from: string] | null;
  readonly expires: Child;
  /** Ends it; the browser that asks has none. */
  readonly remove: (() => void) | null;
  readonly edit?: () => void;
}

function ofSession(desk: Desk, one: SessionItem): Login {
  const remove = async () => {
    if (await attempt(t("Logging out…"), t("Couldn't log out"), () => desk.client.session_remove(one.id)))
      await desk.refresh();
  };
  return {
    name: browserName(one.user_agent) || one.user_agent || t("unknown"),
    chips: [one.current ? t("this browser") : "", one.device ? t("stays logged in") : ""],
    kind: t("Browser"),
    access: protocolName(one.app),
    used: [one.last_used, one.remote_ip],
    expires: when(microseconds(one.expires)),
    remove: one.current ? null : () => void remove(),
  };
}

function ofApp(desk: Desk, one: AppPasswordInfo): Login {
  const access = one.scopes.map((scope) => scopes.find(([name]) => name === scope)![1]).join(", ");
  const remove = () =>
    end(desk, one.name, t("This will log the app out immediately."), t("Couldn't revoke app password"), () =>
      desk.client.account_app_password_rm(one.name),
    );
  return {
    name: one.name,
    chips: [],
    kind: one.token ? t("Token") : t("App password"),
    access: one.read_only ? t("{access}, read-only", { access }) : access,
    used:
      one.last_used === null
        ? null
        : [one.last_used, [protocolName(one.last_protocol), one.last_ip].filter(Boolean).join(", ")],
    expires:
      one.expires === null ? t("never") : one.expired ? state("off", t("expired")) : when(microseconds(one.expires)),
    remove: () => void remove(),
    edit: () => void allow(desk, one),
  };
}

/** What an app may change besides mail. */
async function allow(desk: Desk, one: AppPasswordInfo): Promise<void> {
  const done = await dialog<boolean>(one.name, (close) => {
    const sharing = tick(t("change sharing"), one.scopes.includes("sharing"));
    const sieve = tick(t("change Sieve scripts"), one.scopes.includes("sieve"));
    const box = form(
      [
        el(
          "fieldset",
          { class: "group" },
          el("legend", {}, t("Allow access to")),
          sharing.root,
          sieve.root,
          el("p", { class: "hint" }, t("Saving logs the app out. It can log in again immediately.")),
        ),
      ],
      t("Save"),
      async () => {
        await desk.client.account_app_password_allow(one.name, sharing.control.checked, sieve.control.checked);
        close(true);
      },
    );
    return [box.root, cancelButton(() => close(false))];
  });
  if (done === true) await desk.refresh();
}

function ofKey(desk: Desk, one: TLSKeyInfo): Login {
  const remove = () =>
    end(
      desk,
      one.name,
      t("Apps with this certificate will no longer be able to log in."),
      t("Couldn't remove certificate"),
      () => desk.client.config_tlspubkey_rm(one.fingerprint),
    );
  return {
    name: one.name,
    chips: [],
    kind: t("Client certificate"),
    access: foreign(one.login_address),
    used:
      one.last_used === null || one.last_used === undefined
        ? ["", t("not in the last 30 days")]
        : [one.last_used, [protocolName(one.last_protocol), one.last_ip].filter(Boolean).join(", ")],
    expires: t("never"),
    remove: () => void remove(),
  };
}

async function end(
  desk: Desk,
  name: string,
  text: string,
  failed: string,
  call: () => Promise<unknown>,
): Promise<void> {
  if (!(await confirm(t("Remove “{name}”?", { name }), text, t("Remove")))) return;
  if (await attempt(t("Removing…"), failed, call)) await desk.refresh();
}

/** All that can log in, what was used last first. */
function logins(
  desk: Desk,
  sessions: readonly SessionItem[],
  apps: readonly AppPasswordInfo[],
  keys: readonly TLSKeyInfo[],
): HTMLElement {
  const all = [
    ...sessions.map((one) => ofSession(desk, one)),
    ...apps.map((one) => ofApp(desk, one)),
    ...keys.map((one) => ofKey(desk, one)),
  ];
  const order = (one: Login) => (one.remove === null ? Infinity : microseconds(one.used?.[0] ?? ""));
  all.sort((one, other) => (order(one) > order(other) ? -1 : order(one) < order(other) ? 1 : 0));
  const rows = table<Login>(
    t("Devices and apps"),
    [
      {
        title: t("Name"),
        kind: "main",
        cell: (one) =>
          el(
            "span",
            {},
            el("b", {}, foreign(one.name, 90)),
            one.chips.filter((chip) => chip !== "").map((chip) => [" ", el("span", { class: "chip" }, chip)]),
          ),
      },
      { title: t("Type"), cell: (one) => el("span", { class: "whole" }, one.kind) },
      { title: t("Access"), cell: (one) => one.access },
      {
        title: t("Last used"),
        cell: (one) =>
          one.used === null
            ? t("never")
            : one.used[0] === ""
              ? one.used[1]
              : el("span", {}, when(microseconds(one.used[0])), el("span", { class: "hint" }, ` ${one.used[1]}`)),
      },
      { title: t("Expires"), cell: (one) => one.expires },
      {
        title: "",
        kind: "num",
        cell: (one) => [
          one.edit !== undefined &&
            button(t("Edit"), one.edit, { kind: "line small", name: t("Edit {name}", { name: one.name }) }),
          " ",
          one.remove !== null &&
            button(t("Remove"), one.remove, { kind: "line small", name: t("Remove {name}", { name: one.name }) }),
        ],
      },
    ],
    all,
  );
  const others = button(t("Log out other sessions"), async () => {
    if (await attempt(t("Logging out…"), t("Couldn't log out"), () => desk.client.session_remove_others()))
      await desk.refresh();
  });
  const add = button(t("New app password"), () => void addApp(desk), {
    icon: plus,
    kind: apps.length === 0 ? "primary" : "line",
  });
  return card(t("Devices and apps"), rows, {
    flush: true,
    actions: el("span", { class: "flex wrap" }, sessions.length > 1 && others, add),
    hint: t("Use a separate app password for each mail app."),
  });
}

async function addApp(desk: Desk): Promise<void> {
  let made = "";
  let token = false;
  const done = await dialog<boolean>(t("New app password"), (close) => {
    const name = line(t("Device or app name"), "", t("For example, “Phone” or “Thunderbird at home”."), {
      maxlength: "64",
      autofocus: "",
    });
    const kind = choice(
      t("Type"),
      [
        ["", t("Password")],
        ["token", t("Token")],
      ],
      "",
      t("Use a password with your email address. Choose a token only if the app requires one."),
    );
    kind.control.addEventListener("change", () => {
      scopes.forEach(([scope], i) => {
        uses[i]!.root.hidden = !suits(scope, kind.control.value !== "");
      });
    });
    const uses = scopes.map(([scope, words]) => tick(words, chosen.has(scope)));
    scopes.forEach(([scope], i) => {
      uses[i]!.root.hidden = !suits(scope, false); // the form begins with a password
    });
    const only = tick(t("Read-only: can't change data or send mail"), false);
    const ends = choice(
      t("Expires"),
      [
        ["", t("never")],
        ["7", t("in 7 days")],
        ["30", t("in 30 days")],
        ["90", t("in 90 days")],
        ["365", t("in 1 year")],
      ],
      "",
    );
    const purpose = { problem: (text: string) => uses[0]!.problem(text) };
    const box = form(
      [
        name.root,
        kind.root,
        el(
          "fieldset",
          { class: "group" },
          el("legend", {}, t("Allow access to")),
          uses.map((one) => one.root),
        ),
        only.root,
        ends.root,
      ],
      t("Create app password"),
      async () => {
        token = kind.control.value !== "";
        const wanted = scopes
          .filter(([scope], i) => uses[i]!.control.checked && suits(scope, token))
          .map(([scope]) => scope);
        const expires = ends.control.value === "" ? null : (Date.now() + Number(ends.control.value) * day) * 1000;
        try {
          made = await desk.client.account_app_password_add(
            name.control.value,
            [...wanted],
            only.control.checked,
            expires,
            token,
          );
        } catch (error) {
          atFields(error, { name, scopes: purpose, expires: ends });
          return;
        }
        close(true);
      },
    );
    return [box.root, cancelButton(() => close(false))];
  });
  if (done !== true) return;
  await showSecret(
    token ? t("Token") : t("App password"),
    made,
    t("Enter this in your app now. You won't be able to see it again."),
  );
  await desk.refresh();
}

function attemptList(desk: Desk, first: readonly Attempt[]): HTMLElement {
  const body = el("ul", { class: "lines" }, first.map(attemptLine));
  let last = first.at(-1);
  const more = button(
    t("Show older"),
    async () => {
      let found: Attempt[] = [];
      if (
        !(await attempt(
          t("Loading…"),
          t("Couldn't load logins"),
          async () => (found = await desk.client.attempt_list(last!.after, page)),
        ))
      )
        return;
      body.append(...found.map(attemptLine));
      last = found.at(-1) ?? last;
      more.hidden = found.length < page;
    },
    { kind: "text" },
  );
  more.hidden = first.length < page;
  return card(t("Logins in the last 30 days"), [body, el("p", { class: "more" }, more)], { flush: true });
}

/** Logins by other ways than apps and mail. */
const services: Readonly<Record<string, string>> = {
  smtp: "SMTP",
  addresses: t("password managers"),
  website: t("protected website"),
};

const outcomes: Readonly<Record<string, string>> = {
  baduser: t("rejected: unknown address"),
  badpassword: t("rejected: wrong password"),
  badcreds: t("rejected: wrong password"),
  badchanbind: t("rejected: connection doesn't match"),
  badprotocol: t("rejected: protocol error"),
  logindisabled: t("rejected: login disabled"),
  notpermitted: t("rejected: app password not allowed here"),
  factorneeded: t("waiting for the verification code"),
  badfactor: t("rejected: wrong verification code"),
  error: t("failed: server error"),
  aborted: t("canceled by the app"),
};

function outcome(one: Attempt): string {
  // a cookie or token that belongs to no session
  if (one.mechanism === "websession") return t("rejected: unknown session");
  if (one.result !== "ok") return outcomes[one.result] ?? one.result;
  if (one.app_password !== "") return t("logged in with the app password “{name}”", { name: one.app_password });
  return one.certificate ? t("logged in with a client certificate") : t("logged in");
}

function attemptLine(one: Attempt): HTMLElement {
  const times = one.count > 1 ? many(one.count, "{n} time", "{n} times") : "";
  return el(
    "li",
    {},
    state(one.result === "ok" ? "ok" : "warn", ""),
    el(
      "span",
      { class: "grow" },
      foreign([services[one.protocol] ?? protocolName(one.protocol), one.remote_ip, outcome(one)].join(", ")),
      times !== "" && el("span", { class: "chip" }, times),
      one.user_agent !== "" && el("span", { class: "hint" }, el("br"), foreign(one.user_agent, 120)),
    ),
    el("span", { class: "muted" }, when(microseconds(one.last))),
  );
}
