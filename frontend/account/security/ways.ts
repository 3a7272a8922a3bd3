// Who and what has access to an account (WEB-192), for its user and for the administrator.

import type { WayInfo } from "../../gen/account";
import { browserName } from "../../lib/browsername";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { protocolName } from "../../lib/logins";
import { button, card, foreign } from "../../lib/pages";
import { microseconds, when } from "../../lib/times";
import { t } from "../../lib/words";

const page = 20;

export const kinds: Readonly<Record<WayInfo["kind"], string>> = {
  folder: t("Shared folder"),
  calendar: t("Shared calendar"),
  contacts: t("Shared address book"),
  delegate: t("Person who can send"),
  calendar_link: t("Private calendar link"),
  forward: t("Forwarding address"),
  script: t("Active script"),
  sender: t("Reply-To or Bcc"),
  linked: t("Linked account"),
  outgoing_webhook: t("Webhook for sent mail"),
  incoming_webhook: t("Webhook for received mail"),
  session: t("Browser"),
  app_password: t("App password"),
  token: t("Token"),
  certificate: t("Client certificate"),
  authenticator: t("Authenticator app"),
  security_key: t("Security key or passkey"),
  recovery_codes: t("Recovery codes"),
  recovery_link: t("Password reset link"),
  provider: t("Login provider user"),
  device: t("Device with notifications"),
  push: t("Push subscription"),
};

/** Uses of an app password or token, with words. */
export const scopes = [
  ["imap", t("reading mail (IMAP)")],
  ["submission", t("sending mail (SMTP)")],
  ["webapi", t("web API")],
  ["dav", t("calendars and contacts")],
  ["jmap", "JMAP"],
  ["addresses", t("masked addresses (password managers)")],
  ["sharing", t("change sharing")],
  ["sieve", t("change Sieve scripts")],
] as const;

/** The parts of `access` with words; others are shown as they are. */
const parts: ReadonlyMap<string, string> = new Map([
  ...scopes,
  ["as", t("sends as this account")],
  ["behalf", t("sends on behalf of this account")],
  ["whole account", t("all folders, calendars, and contacts")],
  ["busy", t("free/busy only")],
  ["r", t("view")],
  ["send", t("sending mail (SMTP)")],
  ["asked", t("not confirmed, email sent")],
  ["confirmed", ""],
]);

const administrator = t("your administrator");
const actors: ReadonlyMap<string, string> = new Map([
  ["(cli)", administrator],
  ["(admin)", administrator],
  ["(editor)", administrator],
  ["(server)", t("this server")],
]);

export interface Ways {
  page(after: string, count: number): Promise<WayInfo[]>;
  remove(id: string): Promise<unknown>;
  refresh(): Promise<unknown>;
}

/** The card with everything that has access, the newest first. */
export function waysCard(title: string, hint: string, first: readonly WayInfo[], ways: Ways): HTMLElement {
  if (first.length === 0) return card(title, el("p", { class: "hint" }, t("Nothing has been set up.")));
  const body = el(
    "ul",
    { class: "lines" },
    first.map((one) => removable(one, ways)),
  );
  let last = first.at(-1);
  const more = button(
    t("Show older"),
    async () => {
      let found: WayInfo[] = [];
      if (
        !(await attempt(
          t("Loading…"),
          t("Couldn't load access"),
          async () => (found = await ways.page(last!.place, page)),
        ))
      )
        return;
      body.append(...found.map((one) => removable(one, ways)));
      last = found.at(-1) ?? last;
      more.hidden = found.length < page;
    },
    { kind: "text" },
  );
  more.hidden = first.length < page;
  return card(title, [body, el("p", { class: "more" }, more)], { flush: true, hint });
}

/** The first page of the list. */
export function firstWays(ways: Pick<Ways, "page">): Promise<WayInfo[]> {
  return ways.page("", page);
}

function removable(one: WayInfo, ways: Ways): HTMLElement {
  const name = wayName(one);
  const remove = async () => {
    if (!(await confirm(t("Remove “{name}”?", { name }), t("This takes effect immediately."), t("Remove")))) return;
    if (await attempt(t("Removing…"), t("Couldn't remove access"), () => ways.remove(one.id))) await ways.refresh();
  };
  const last = one.current
    ? el("span", { class: "chip" }, t("this browser"))
    : button(t("Remove"), () => void remove(), { kind: "line small", name: t("Remove {name}", { name }) });
  return wayLine(one, last);
}

/** A line about a way in, with something behind it. */
export function wayLine(one: WayInfo, last: Child, before: Child = null): HTMLElement {
  const facts = factsOf(one);
  const access = accessOf(one);
  return el(
    "li",
    {},
    before,
    el(
      "span",
      { class: "grow" },
      el("b", {}, kinds[one.kind]),
      facts.length > 0 && [" ", foreign(facts.join(", "), 160)],
      access !== "" && [" ", el("span", { class: "chip" }, foreign(access, 160))],
      el(
        "span",
        { class: "hint" },
        el("br"),
        one.set_up === null ? t("Set up at an unknown time") : when(microseconds(one.set_up)),
        [originOf(one)].filter(Boolean).map((origin) => [" · ", foreign(origin, 160)]),
      ),
    ),
    last,
  );
}

function wayName(one: WayInfo): string {
  return [kinds[one.kind], ...factsOf(one)].join(", ").slice(0, 120);
}

function originOf(one: WayInfo): string {
  const login = one.login === "" ? "" : t("app password or certificate “{name}”", { name: one.login });
  const actor = actors.get(one.actor) ?? one.actor;
  // administrators are named themselves, without their ways
  return [actor, /^(cli|file|server)$|admin/.test(one.via) ? "" : protocolName(one.via), login, one.remote_ip]
    .filter(Boolean)
    .join(", ");
}

function accessOf({ kind, access }: WayInfo): string {
  if (kind === "folder" || kind === "calendar" || kind === "contacts") return permission(access);
  const all = access.split(", ").map((part) => parts.get(part) ?? protocolName(part));
  return all.filter(Boolean).join(", ");
}

/** What letters of rights (RFC 4314 §2.1) allow at most. */
function permission(letters: string): string {
  if (letters.includes("a")) return t("full access, including sharing");
  if (/[iwtexpk]/.test(letters)) return t("view, edit, add, and delete");
  if (/r.*s/.test(letters)) return t("view and mark as read");
  return letters.includes("r") ? t("view") : t("permissions “{letters}”", { letters });
}

function factsOf(one: WayInfo): string[] {
  const name = one.kind === "session" ? browserName(one.name) || one.name : one.name;
  return [name, one.who].filter((fact) => fact !== "");
}
