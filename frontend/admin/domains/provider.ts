// The DNS provider of a domain: set once, then records are published from here; and the rotation of keys.

import type { DNSProvider, HostRotation, ProviderInUse, RecordPlan, Rotation } from "../../gen/admin";
import { attempt, confirm, dialog } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { choice, line, tick } from "../../lib/fields";
import { button, card, copyable, pairs, visible } from "../../lib/pages";
import { notice, state } from "../../lib/states";
import { moment } from "../../lib/times";
import { many, t } from "../../lib/words";
import type { Desk } from "../ui/page";
import { fieldDialog } from "../ui/shared";

/** The card of the provider; the cards of the rotations where one is set, or a rotation is under way. */
export async function provider(desk: Desk, name: string): Promise<Child> {
  const [used, rotation, hosts] = await Promise.all([
    desk.client.dns_provider_show(name),
    desk.client.dns_rotation_show(name),
    desk.client.dns_host_key_show(),
  ]);
  const set = used.provider !== "";
  return [
    set ? providerCard(desk, name, used) : invitation(desk, name),
    (set || rotation.stage !== "resting") && rotationCard(desk, name, rotation),
    hosts.map((one) => (set || one.stage !== "resting") && hostCard(desk, one)),
  ];
}

function invitation(desk: Desk, name: string): Child {
  return card(
    t("DNS provider"),
    el(
      "p",
      { class: "hint" },
      t("Add an API token to publish the records below and rotate signing keys automatically."),
    ),
    { actions: button(t("Set DNS provider…"), () => void choose(desk, name), { kind: "primary" }) },
  );
}

function providerCard(desk: Desk, name: string, used: ProviderInUse): Child {
  const forget = async () => {
    const words = t("Records won't change. Keys will no longer be rotated automatically.");
    if (!(await confirm(t("Delete the {title} token?", { title: used.title }), words, t("Delete")))) return;
    if (await attempt(t("Deleting…"), t("Couldn't delete token"), () => desk.client.dns_provider_rm(name)))
      await desk.refresh();
  };
  return card(
    t("DNS provider"),
    pairs([
      [t("Provider"), used.title],
      ...(used.zone === "" ? [] : [[t("Zone"), el("bdi", {}, used.zone)] as const]),
      [t("External changes"), used.enforce ? t("reverted nightly") : t("reported only")],
    ]),
    {
      actions: [
        button(t("Publish records…"), () => void publish(desk, name), { kind: "primary" }),
        used.published > 0 && button(t("Undo…"), () => void undo(desk, name)),
        button(t("Change…"), () => void choose(desk, name)),
        button(t("Delete token…"), () => void forget(), { kind: "line danger" }),
      ],
    },
  );
}

/** Choose a provider, then answer its questions; the server tries it before it keeps it. */
async function choose(desk: Desk, name: string): Promise<void> {
  const known = await desk.client.dns_provider_list();
  const which = choice(
    t("Provider"),
    known.map((one) => [one.name, one.title] as const),
    known[0]?.name ?? "",
    t("If your provider isn't listed, add the records manually or delegate the zone to a listed provider."),
  );
  const chosen = await fieldDialog(t("DNS provider for {domain}", { domain: name }), t("Next"), { which }, async () =>
    known.find((one) => one.name === which.control.value),
  );
  if (chosen !== null && chosen !== undefined) await answer(desk, name, chosen);
}

async function answer(desk: Desk, name: string, chosen: DNSProvider): Promise<void> {
  const questions = chosen.questions.map((one) => ({
    option: one.option,
    field: line(sentence(one.words), "", null, one.secret ? { type: "password", autocomplete: "new-password" } : {}),
  }));
  const enforce = tick(
    t("Undo external changes"),
    false,
    t("If someone changes records published here, they'll be restored every night."),
  );
  const done = await fieldDialog(
    chosen.title,
    t("Test and save"),
    { ...Object.fromEntries(questions.map((one) => [one.option, one.field])), enforce },
    () =>
      desk.client.dns_provider_set(
        name,
        chosen.name,
        Object.fromEntries(questions.map((one) => [one.option, one.field.control.value])),
        enforce.control.checked,
      ),
    el("p", { class: "hint" }, chosen.rights),
  );
  if (done === null) return;
  await desk.refresh();
  desk.say(t("{title} connected", { title: done.title }));
}

const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

async function publish(desk: Desk, name: string): Promise<void> {
  const addresses = tick(t("Include this server's addresses"), false);
  const replace = tick(
    t("Replace different records"),
    false,
    t("For example, another server's MX record. New mail will then be delivered here."),
  );
  const plan = await fieldDialog(t("Publish records"), t("Review changes"), { addresses, replace }, () =>
    desk.client.dns_plan(name, false, addresses.control.checked, replace.control.checked),
  );
  if (plan === null) return;
  const rules = plan.groups.some((one) => one.rules)
    ? tick(
        t("Publish enforcement rules"),
        false,
        t("Only use this if this server handles all mail and certificates for this domain."),
      )
    : null;
  if (!(await shown(t("Publish records"), plan, t("Publish"), rules?.root))) return;
  const lenient = rules !== null && !rules.control.checked;
  await make(desk, () =>
    desk.client.dns_publish(name, plan.lines, false, addresses.control.checked, replace.control.checked, lenient),
  );
}

async function undo(desk: Desk, name: string): Promise<void> {
  let plan: RecordPlan | null = null;
  await attempt(t("Loading…"), t("Couldn't load last change"), async () => {
    plan = await desk.client.dns_plan(name, true);
  });
  const found = plan as RecordPlan | null;
  if (found === null || !(await shown(t("Undo last change"), found, t("Undo")))) return;
  await make(desk, () => desk.client.dns_publish(name, found.lines, true));
}

async function make(desk: Desk, run: () => Promise<string[]>): Promise<void> {
  let missing: string[] = [];
  const done = await attempt(t("Updating DNS…"), t("Couldn't update DNS"), async () => {
    missing = await run();
  });
  if (!done) return;
  await desk.refresh();
  desk.say(
    missing.length === 0
      ? t("Published. Name servers will update within minutes.")
      : many(missing.length, "{n} record rejected by the provider.", "{n} records rejected by the provider."),
  );
}

/** Show a plan as diffs by group; whether it is to be made. */
async function shown(title: string, plan: RecordPlan, action: string, more: Child = null): Promise<boolean> {
  const diffs = el(
    "pre",
    { class: "zone", tabindex: "0", "aria-label": t("Changes") },
    plan.groups.map((one) => [el("b", {}, one.title), "\n", one.lines.map((line) => `${visible(line)}\n`)]),
  );
  const answered = await dialog<boolean>(title, (close) => [
    plan.lines.length === 0 ? notice("ok", t("No changes needed.")) : diffs,
    el(
      "div",
      {},
      more,
      plan.notes.map((one) => el("p", { class: "hint" }, visible(one))),
    ),
    el(
      "div",
      { class: "dialog-buttons" },
      button(plan.lines.length === 0 ? t("Close") : t("Cancel"), () => close(false)),
      plan.lines.length > 0 && button(action, () => close(true), { kind: "primary" }),
    ),
  ]);
  return answered === true;
}

function rotationCard(desk: Desk, name: string, found: Rotation): Child {
  return stagesCard(desk, t("DKIM key rotation"), found, {
    question: t("Replace the DKIM key?"),
    words: t(
      "The next key will be published now and start signing in a few hours. The previous record will be removed after 8 days.",
    ),
    now: () => desk.client.dns_rotation_now(name),
    stop: () => desk.client.dns_rotation_stop(name),
    start: () => desk.client.dns_rotation_start(name),
  });
}

function hostCard(desk: Desk, found: HostRotation): Child {
  return stagesCard(desk, t("DANE key rotation: {host}", { host: found.host }), found, {
    question: t("Replace the {host} key?", { host: found.host }),
    words: t(
      "The TLSA record for the next key will be published now. A certificate will be requested in a few hours. The previous record will be removed 1 day later.",
    ),
    now: () => desk.client.dns_host_key_now(found.host),
    stop: () => desk.client.dns_host_key_stop(found.host),
    start: () => desk.client.dns_host_key_start(found.host),
  });
}

interface Actions {
  question: string;
  words: string;
  now: () => Promise<unknown>;
  stop: () => Promise<unknown>;
  start: () => Promise<unknown>;
}

/** The card of a rotation: its stage, what it waits for, and what can be done about it. */
function stagesCard(desk: Desk, title: string, found: Rotation | HostRotation, actions: Actions): Child {
  const act = async (run: () => Promise<unknown>) => {
    if (await attempt(t("Saving…"), t("Couldn't update key rotation"), run)) await desk.refresh();
  };
  const now = async () => {
    if (await confirm(actions.question, actions.words, t("Replace"))) await act(actions.now);
  };
  const level = found.stopped ? "off" : found.problem !== "" || found.todo.length > 0 ? "warn" : "ok";
  return card(
    title,
    [
      el("p", {}, state(level, found.stage), " ", sentence(found.words), "."),
      found.since !== "" &&
        el("p", { class: "hint" }, t("Since {time}.", { time: moment(Date.parse(found.since) * 1000) })),
      found.until !== "" &&
        el("p", { class: "hint" }, t("Until {time}.", { time: moment(Date.parse(found.until) * 1000) })),
      found.todo.map((one) => el("div", {}, copyable(one))),
      found.problem !== "" && notice("warn", visible(found.problem)),
    ],
    {
      actions: [
        found.stopped
          ? button(t("Continue"), () => void act(actions.start))
          : button(t("Stop"), () => void act(actions.stop)),
        found.stage === "resting" && button(t("Replace now…"), () => void now()),
      ],
    },
  );
}
