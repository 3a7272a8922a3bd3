// The way out when a stranger was in: everyone else is logged out, and what was set up since a day is taken back (WEB-63b).

import type { Secured, TakenBack, WayInfo } from "../../gen/account";
import { attempt, dialog } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { field, form } from "../../lib/fields";
import { copyButton, foreign } from "../../lib/pages";
import { notice } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import type { Desk } from "../ui/page";
import { kinds, wayLine } from "./ways";

const most = 1000;
const week = 7 * 86_400_000;
const ended: ReadonlySet<WayInfo["kind"]> = new Set([
  "session",
  "app_password",
  "token",
  "certificate",
  "device",
  "push",
]);

interface Choice {
  /** µs, 0 to take nothing back. */
  readonly since: number;
  readonly keep: readonly string[];
}

export async function notMe(desk: Desk): Promise<void> {
  const choice = await choose(desk);
  if (choice === null) return;
  const done: { found?: Secured } = {};
  if (
    !(await attempt(
      t("Logging out other sessions…"),
      t("Couldn't log out other sessions"),
      async () => (done.found = await desk.client.not_me(choice.since, [...choice.keep])),
    ))
  )
    return;
  const found = done.found!;
  await dialog<void>(
    t("Logged out everywhere else"),
    (close) => [
      el("p", { class: "dialog-text" }, t("Here's your new password. You won't be able to see it again.")),
      el(
        "p",
        { class: "secret" },
        el("code", {}, found.password),
        copyButton(() => found.password),
      ),
      el(
        "p",
        { class: "dialog-text" },
        [
          many(found.sessions, "{n} other browser was logged out.", "{n} other browsers were logged out."),
          many(found.app_passwords, "{n} app password revoked.", "{n} app passwords revoked."),
          found.queue
            ? many(found.held, "{n} outgoing message held.", "{n} outgoing messages held.")
            : t("The queue isn't available. Check your Outbox later."),
        ].join(" "),
      ),
      ...(found.taken === null ? [] : [takenBack(found.taken)]),
      left(found),
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { class: "btn primary", type: "button", onclick: () => close() }, t("Done")),
      ),
    ],
    false,
  );
  await desk.refresh();
}

/** Ask since when, and show what will be removed; null to leave everything. */
function choose(desk: Desk): Promise<Choice | null> {
  return dialog<Choice | null>(t("Log out everywhere else?"), (close) => {
    const since = field(
      t("Remove everything set up since"),
      el("input", { type: "date" }),
      t("To keep something, clear its check box. Leave blank to keep all of it."),
    );
    since.control.value = dayOf(Date.now() - week);
    const list = el("ul", { class: "lines small" });
    const kept = new Map<string, HTMLInputElement>();
    const load = async () => {
      const start = startOf(since.control.value);
      const found = start === 0 ? [] : await desk.client.account_access(start, "", most);
      kept.clear();
      fill(
        list,
        found.filter((one) => !one.current).map((one) => wayLine(one, null, box(one, kept))),
      );
    };
    since.control.addEventListener("change", () => {
      void attempt(t("Loading…"), t("Couldn't load access"), load);
    });
    void attempt(t("Loading…"), t("Couldn't load access"), load);
    const text = t(
      "You'll get a new password. Use it to log in again in your other browsers. You'll also need new app passwords for your devices and apps. Outgoing mail will be held until you release it.",
    );
    const page = form([el("p", { class: "dialog-text" }, text), since.root, list], t("Log out"), async () => {
      const keep = [...kept].filter(([, control]) => !control.checked).map(([id]) => id);
      close({ since: startOf(since.control.value), keep });
    });
    const cancel = el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel"));
    return [page.root, el("div", { class: "dialog-buttons" }, cancel)];
  });
}

/** A check box for a way in; those that end anyway can't be kept. */
function box(one: WayInfo, kept: Map<string, HTMLInputElement>): HTMLInputElement {
  const control = el("input", { type: "checkbox", "aria-label": t("Remove {name}", { name: one.name || one.who }) });
  control.checked = true;
  control.disabled = ended.has(one.kind);
  if (!control.disabled) kept.set(one.id, control);
  return control;
}

function dayOf(milliseconds: number): string {
  const day = new Date(milliseconds);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/** The beginning of a day in µs, 0 for "". */
function startOf(day: string): number {
  return day === "" ? 0 : new Date(`${day}T00:00:00`).getTime() * 1000;
}

/** What was taken back, and what wasn't. */
function takenBack({ ways, failed }: TakenBack): HTMLElement {
  const reasons = Object.entries(failed);
  return el(
    "div",
    {},
    ways.length > 0 && [
      notice("ok", t("Removed:")),
      el(
        "ul",
        { class: "lines small" },
        ways.map((one) => wayLine(one, null)),
      ),
    ],
    reasons.length > 0 && [
      notice("warn", t("Couldn't remove everything. Try again on the Security page:")),
      el(
        "ul",
        { class: "lines small" },
        reasons.map(([id, reason]) => el("li", {}, el("b", {}, kindOf(id)), " ", foreign(reason))),
      ),
    ],
  );
}

function kindOf(id: string): string {
  return kinds[id.slice(0, id.indexOf(":")) as WayInfo["kind"]];
}

/** What was sent within a day. */
function left(found: Secured): HTMLElement {
  if (found.left.length === 0) return el("p", { class: "dialog-text" }, t("No messages sent in the last day."));
  const box = el("ul", { class: "lines small" });
  fill(
    box,
    found.left.map((one) =>
      el(
        "li",
        {},
        el("span", { class: "grow" }, foreign(one.recipient)),
        el("span", { class: "muted" }, one.state, " ", when(microseconds(one.ended))),
      ),
    ),
  );
  return el(
    "div",
    {},
    notice("warn", many(found.left.length, "{n} message sent in the last day:", "{n} messages sent in the last day:")),
    box,
  );
}
