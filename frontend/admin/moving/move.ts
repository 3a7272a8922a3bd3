// A whole server that moves here: how far it is, and what did not come.

import type { AccountMove, MoveState } from "../../gen/admin";
import { attempt, confirm } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { users } from "../../lib/icons";
import { button, card, copyButton, head, meter, pairs, table, visible } from "../../lib/pages";
import { empty, notice, state } from "../../lib/states";
import { many, t } from "../../lib/words";
import type { Desk } from "../ui/page";

/** Milliseconds between two looks at a move that runs. */
const period = 3000;

/** The page of the move. */
export async function movePage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.move_status();
  if (found.phase === "running") {
    const timer = setTimeout(() => void desk.refresh(), period);
    desk.onLeave(() => clearTimeout(timer));
  }
  const root = el(
    "div",
    { class: "page" },
    head(t("Move"), t("Move all users, their mail, and their passwords from another server."), ...actions(desk, found)),
    found.phase === "none" ? none() : shown(found),
  );
  return { title: t("Move"), root };
}

function actions(desk: Desk, found: MoveState): (HTMLElement | false)[] {
  const act = async (doing: string, failed: string, call: () => Promise<unknown>) => {
    if (await attempt(doing, failed, call)) await desk.refresh();
  };
  const stop = async () => {
    const text = t("The mail copied so far stays here. To continue, run “moxlite move run”.");
    if (!(await confirm(t("Stop this move?"), text, t("Stop move")))) return;
    await act(t("Stopping…"), t("Couldn't stop move"), () => desk.client.move_stop());
  };
  const pause = () => act(t("Pausing…"), t("Couldn't pause move"), () => desk.client.move_pause());
  const resume = () => act(t("Resuming…"), t("Couldn't resume move"), () => desk.client.move_resume());
  return [
    found.phase === "running" && button(t("Pause"), () => void pause()),
    found.phase === "paused" && button(t("Resume"), () => void resume(), { kind: "primary" }),
    (found.phase === "running" || found.phase === "paused") &&
      button(t("Stop…"), () => void stop(), { kind: "line danger" }),
  ];
}

function none(): HTMLElement {
  const command = "moxlite move --help";
  return card(
    "",
    empty(
      users,
      t("No moves yet"),
      t("Start moves on the command line, because the plan contains passwords."),
      el("pre", { class: "zone" }, command),
      copyButton(() => command, t("Copy")),
    ),
  );
}

function shown(found: MoveState): HTMLElement[] {
  const messages = found.accounts.reduce((sum, one) => sum + one.messages, 0);
  const done = found.accounts.filter((one) => one.phase === "done").length;
  const problems = [
    ...found.problems,
    ...found.accounts.flatMap((one) => one.problems.map((problem) => `${one.address}: ${problem}`)),
  ];
  return [
    card(t("Progress"), [
      meter(found.accounts.length === 0 ? 1 : done / found.accounts.length),
      pairs([
        [t("Status"), words(found.phase)],
        [t("Accounts"), t("{n} of {all}", { n: done, all: found.accounts.length })],
        [t("Messages"), messages.toLocaleString()],
        [
          t("Speed"),
          found.rate > 0 ? many(Math.round(found.rate), "{n} message per second", "{n} messages per second") : "–",
        ],
        [t("Time left"), found.seconds >= 0 ? t("{n} min", { n: Math.ceil(found.seconds / 60) }) : "–"],
      ]),
    ]),
    card(t("Accounts"), accounts(found.accounts), { flush: true }),
    problems.length === 0
      ? notice("ok", t("No problems"))
      : card(
          many(problems.length, "{n} problem", "{n} problems"),
          el(
            "ul",
            { class: "lines" },
            problems.map((one) => el("li", {}, el("bdi", {}, visible(one)))),
          ),
          { flush: true },
        ),
  ];
}

function accounts(found: readonly AccountMove[]): HTMLElement {
  return table<AccountMove>(
    t("Accounts"),
    [
      { title: t("Address"), kind: "main", cell: (one) => el("bdi", {}, visible(one.address)) },
      { title: t("Status"), cell: accountState },
      { title: t("Current step"), cell: (one) => el("bdi", {}, visible(one.step)) },
      { title: t("Messages"), kind: "num", cell: (one) => one.messages.toLocaleString() },
      { title: t("Problems"), kind: "num", cell: (one) => one.problem_count.toLocaleString() },
    ],
    found,
  );
}

function accountState(one: AccountMove): HTMLElement {
  switch (one.phase) {
    case "done":
      return state(one.problem_count === 0 ? "ok" : "warn", t("done"));
    case "failed":
      return state("danger", t("incomplete"));
    case "running":
      return state("wait", t("copying"));
    default:
      return state("wait", t("waiting"));
  }
}

function words(phase: MoveState["phase"]): string {
  switch (phase) {
    case "running":
      return t("copying");
    case "paused":
      return t("paused");
    case "done":
      return t("done");
    case "finished":
      return t("finished");
    default:
      return t("stopped");
  }
}
