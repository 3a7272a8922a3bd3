// The overview: is the server well, what needs attention, and what works.

import type { AdminSession, Certificate, Finding, Overview, Provider } from "../gen/admin";
import { codeOf, messageOf } from "../lib/client";
import { attempt } from "../lib/dialogs";
import { type Child, el, fill, sign } from "../lib/dom";
import { circleCheck, octagonAlert, triangleAlert } from "../lib/icons";
import { size } from "../lib/numbers";
import { button, card, foreign, head, table, visible } from "../lib/pages";
import { released } from "../lib/press";
import { type Level, mark, notice, state } from "../lib/states";
import { ago, agoShort, moment } from "../lib/times";
import { many, t } from "../lib/words";
import { action, remedy } from "./findings";
import type { Desk } from "./ui/page";

/** Milliseconds between two looks while the page is shown. */
const period = 30_000;
const day = 86_400e6;
/** Days before its end from which a certificate needs attention. */
const soon = 14;

const levels: Readonly<Record<Finding["grade"], Level>> = { error: "danger", warning: "warn", note: "unknown" };
const grades = { error: t("error"), warning: t("warning"), note: t("note") };

/** The overview page. */
export async function overviewPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const root = el("div", { class: "page" });
  const show = (found: Overview) => {
    desk.count("queue", found.queue === null || found.queue.messages === 0 ? "" : String(found.queue.messages));
    fill(root, ...content(desk, found));
  };
  show(await desk.client.overview());
  const timer = setInterval(async () => {
    if (document.hidden) return;
    try {
      const found = await desk.client.overview();
      await released(root);
      if (desk.shown() && !root.contains(document.activeElement)) show(found);
    } catch (error) {
      // without an answer the next look may have one; what is shown says when it was true
      if (codeOf(error) === null) throw error;
    }
  }, period);
  desk.onLeave(() => clearInterval(timer));
  return { title: t("Overview"), root };
}

function content(desk: Desk, found: Overview): HTMLElement[] {
  const lines = attention(found);
  const bad = found.flow === "none-in" || found.flow === "none-out";
  const doubtful = found.flow === "slow" || found.flow === "unknown";
  const tone = bad ? "danger" : doubtful ? "warn" : "ok";
  const shape = bad ? octagonAlert : doubtful ? triangleAlert : circleCheck;
  return [
    el(
      "header",
      { class: "hero" },
      el("span", { class: tone }, sign(shape)),
      el(
        "div",
        {},
        el("h1", { tabindex: "-1" }, headline(found)),
        el("p", { class: "two" }, summary(found, lines.length)),
      ),
    ),
    ...found.config_problems.map((one) =>
      notice(
        "danger",
        [
          el("b", {}, t("The configuration has an error. The previous version is still active.")),
          " ",
          el("code", {}, `${one.file}:${one.line}`),
          " ",
          one.about,
          " ",
          one.text,
          one.commands.map((hint) => ` (${hint})`),
        ],
        action(one),
      ),
    ),
    lines.length > 0
      ? card(t("Needs attention"), el("ul", { class: "lines" }, lines), { flush: true })
      : card(
          t("Needs attention"),
          el("p", { class: "two" }, unexamined(found) ? t("Not checked yet") : t("No problems")),
          {},
        ),
    ...(found.placement.length > 0
      ? [
          card(t("Inbox placement"), el("ul", { class: "placement" }, found.placement.map(placed)), {
            flush: true,
            actions: button(t("Send test now"), () => void testPlacement(desk)),
          }),
        ]
      : []),
    card(t("Status"), el("ul", { class: "well" }, working(found)), {
      flush: true,
      actions: el(
        "span",
        { class: "hint" },
        unexamined(found) ? t("not checked yet") : t("checked {when}", { when: ago(found.examined) }),
        " · ",
        button(t("check now"), () => void examine(desk), { kind: "text small" }),
      ),
    }),
  ];
}

async function examine(desk: Desk): Promise<void> {
  desk.say(t("Checking. This can take up to 5 minutes. You can continue working."));
  if ((await attempt(t("Running checks…"), t("Couldn't run checks"), () => desk.client.examine())) && desk.shown())
    await desk.refresh();
}

function headline(found: Overview): string {
  switch (found.flow) {
    case "none-in":
      return t("Incoming mail is down");
    case "none-out":
      return t("Outgoing mail is down");
    case "slow":
      return t("Mail delivery is slow");
    case "flowing":
      return t("Accepting and sending mail");
    case "unknown":
      return t("Running, but not checked yet");
  }
}

/** Whether it isn't known if mail reaches this server: it's new, restored, or has other addresses now. */
function unexamined(found: Overview): boolean {
  return found.flow === "unknown";
}

function summary(found: Overview, things: number): string {
  const queue = found.queue;
  const waiting =
    queue === null
      ? t("The queue isn't running.")
      : queue.messages === 0
        ? t("The queue is empty.")
        : queue.oldest > 0
          ? many(queue.messages, "{n} message waiting for {time}.", "{n} messages waiting, the oldest for {time}.", {
              time: agoShort(queue.oldest * 1e6),
            })
          : many(queue.messages, "{n} message on hold.", "{n} messages on hold.");
  const need =
    things === 0
      ? unexamined(found)
        ? t("This server hasn't been checked on this machine. The first check starts automatically.")
        : t("No problems found.")
      : many(things, "{n} problem needs attention.", "{n} problems need attention.");
  return `${waiting} ${need}`;
}

/** A line of what needs attention, with its next step. */
function line(level: Level, grade: string, title: Child, detail: Child, step: Child): HTMLElement {
  return el(
    "li",
    {},
    mark(level, grade, false),
    el("div", { class: "grow" }, el("b", {}, title), el("div", { class: "hint" }, detail)),
    step,
  );
}

function attention(found: Overview): HTMLElement[] {
  const lines = found.findings.map((one) =>
    line(
      levels[one.grade],
      grades[one.grade],
      visible(one.text),
      [one.detail !== "" && foreign(one.detail), remedy(one)],
      action(one),
    ),
  );
  for (const one of found.certificates) {
    const left = Math.floor((one.ends - found.at) / day);
    if (left >= soon || one.own) continue;
    lines.push(
      line(
        left < 3 ? "danger" : "warn",
        t("warning"),
        certificateEnds(one, left),
        one.automatic
          ? t("Automatic renewal failed. For details, see the server log.")
          : t("Replace the certificate file. The server will reload it within 6 hours."),
        one.automatic
          ? el("a", { class: "btn line", href: "#log" }, t("View log"))
          : el("a", { class: "btn line", href: "#network" }, t("View network")),
      ),
    );
  }
  return lines;
}

/** Days of the chart of a provider. */
const nights = 30;

const landings: Readonly<Record<Provider["landing"], readonly [Level, string]>> = {
  inbox: ["ok", t("Inbox")],
  other: ["ok", t("another folder")],
  junk: ["warn", t("junk")],
  missing: ["danger", t("not found")],
  unsent: ["danger", t("not sent")],
};

/** Send a test to each linked mailbox; what is not there within seconds shows up by itself. */
async function testPlacement(desk: Desk): Promise<void> {
  let ended = false;
  const done = await attempt(t("Sending test email…"), t("Couldn't send test email"), async () => {
    ended = await desk.client.placement_test();
  });
  if (!done) return;
  await desk.refresh();
  desk.say(ended ? t("Test email found.") : t("Test email sent. You'll see results here within 15 minutes."));
}

/** A provider, its latest result and a chart of the last ones. */
function placed(one: Provider): HTMLElement {
  const [level, word] = landings[one.landing];
  const days = one.days.slice(-nights);
  const good = days.filter((day) => day.landing === "inbox" || day.landing === "other").length;
  return el(
    "li",
    {},
    mark(level, word, false),
    el("div", { class: "grow" }, el("b", {}, one.name), el("div", { class: "hint" }, foreign(one.text))),
    el(
      "div",
      { class: "nights", role: "img", "aria-label": t("{good} of {all} arrived", { good, all: days.length }) },
      days.map((day) =>
        el("i", { class: landings[day.landing][0], title: `${moment(day.at * 1e6)}: ${landings[day.landing][1]}` }),
      ),
    ),
  );
}

function certificateEnds(one: Certificate, left: number): string {
  const names = one.names.join(", ");
  return left < 0
    ? t("The certificate for {names} has expired", { names })
    : many(left, "The certificate for {names} expires in {n} day", "The certificate for {names} expires in {n} days", {
        names,
      });
}

function working(found: Overview): HTMLElement[] {
  const items: HTMLElement[] = [];
  const add = (level: Level, title: string, text: Child) =>
    items.push(
      el(
        "li",
        {},
        mark(level, level === "ok" ? t("OK") : t("check")),
        el("div", {}, el("b", {}, title), el("div", { class: "hint" }, text)),
      ),
    );
  const issued = found.certificates.filter((one) => !one.own);
  const first = issued.reduce<Certificate | null>(
    (least, one) => (least === null || one.ends < least.ends ? one : least),
    null,
  );
  if (first !== null) {
    const left = Math.floor((first.ends - found.at) / day);
    add(left < soon ? "warn" : "ok", t("Certificates"), [
      many(left, "{n} day left", "{n} days left"),
      ", ",
      first.automatic ? t("renewed automatically") : t("from files"),
    ]);
  } else {
    add(
      "unknown",
      t("Certificates"),
      found.certificates.length > 0
        ? t("self-signed, so browsers and other servers won't trust them")
        : t("none, so connections aren't encrypted"),
    );
  }
  if (found.disk !== null)
    add(
      found.disk.free < found.disk.size / 20 ? "warn" : "ok",
      t("Disk"),
      t("{free} of {size} free", { free: size(found.disk.free), size: size(found.disk.size) }),
    );
  if (found.queue !== null)
    add(
      "ok",
      t("Queue"),
      found.queue.messages === 0 ? t("empty") : many(found.queue.messages, "{n} message", "{n} messages"),
    );
  if (found.backup_interval > 0)
    add(
      found.at - found.last_backup > 2 * found.backup_interval ? "warn" : "ok",
      t("Backup"),
      found.last_backup === 0 ? t("never") : ago(found.last_backup),
    );
  if (found.last_rehearsal > 0)
    add(
      found.rehearsal_failed ? "danger" : "ok",
      t("Test restore"),
      found.rehearsal_failed ? t("failed") : t("passed {when}", { when: ago(found.last_rehearsal) }),
    );
  if (found.standby !== null)
    add(found.standby ? "ok" : "warn", t("Standby server"), found.standby ? t("up to date") : t("out of date"));
  if (found.helpers_tried > 0)
    add(
      found.helpers_failed > 0 ? "danger" : "ok",
      t("Helper processes"),
      t("tested {when}", { when: ago(found.helpers_tried) }),
    );
  add(
    found.config_problems.length > 0 ? "danger" : "ok",
    t("Configuration"),
    found.config_problems.length > 0
      ? t("has an error")
      : [many(found.domains, "{n} domain", "{n} domains"), ", ", many(found.accounts, "{n} account", "{n} accounts")],
  );
  add(
    "ok",
    t("Version"),
    found.update === ""
      ? found.version
      : t("{version} ({update} available)", { version: found.version, update: found.update }),
  );
  add(
    found.examined === 0 ? "unknown" : "ok",
    t("Nightly checks"),
    found.examined === 0 ? t("never") : ago(found.examined),
  );
  return items;
}

/** The administrator's own sessions. */
export async function sessionsPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.sessions();
  const end = async (one: AdminSession) => {
    if (await attempt(t("Logging out…"), t("Couldn't end session"), () => desk.client.session_end(one.id)))
      await desk.refresh();
  };
  const list = table<AdminSession>(
    t("Sessions"),
    [
      {
        title: t("From"),
        kind: "main",
        cell: (one) => [
          el("b", {}, one.remote_ip),
          one.own && [" ", state("ok", t("this session"))],
          one.subject !== "" && el("div", { class: "hint" }, foreign(one.subject, 120)),
        ],
      },
      { title: t("Browser"), cell: (one) => foreign(one.user_agent, 120) },
      { title: t("Since"), cell: (one) => moment(one.created) },
      { title: t("Last used"), cell: (one) => el("span", { class: "nowrap" }, ago(one.last_used)) },
      {
        title: "",
        kind: "top",
        cell: (one) =>
          !one.own &&
          button(t("End"), () => void end(one), {
            kind: "line small",
            name: t("End session from {address}", { address: one.remote_ip }),
          }),
      },
    ],
    found,
  );
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Your sessions"),
      t(
        "Sessions end after 12 hours without use, when the server restarts, or when you change the admin password or verification methods.",
      ),
    ),
    card("", list, { flush: true }),
  );
  return { title: t("Your sessions"), root };
}

/** A failure in place of a page. */
export function failurePage(desk: Desk, error: unknown): HTMLElement {
  return el(
    "div",
    { class: "page" },
    head(t("Page not available"), null),
    notice(
      "danger",
      messageOf(error),
      button(t("Try now"), () => void desk.refresh()),
    ),
  );
}
