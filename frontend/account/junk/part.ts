// The junk filter: what it has learned, how to teach it, and its settings.

import type { Junk, JunkFilterForm, JunkForm, JunkLack } from "../../gen/account";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el, fill } from "../../lib/dom";
import { atFields, form, line, tick } from "../../lib/fields";
import { button, card, head, meter, pairs } from "../../lib/pages";
import { notice } from "../../lib/states";
import { locale, many, t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { Folders } from "./folders";

/** Milliseconds between two looks at how far learning is. */
const period = 1000;

const junk: MakePage = async (desk) => {
  const found = await desk.client.account_junk_show();
  return {
    title: t("Junk"),
    root: el("div", { class: "page" }, head(t("Junk"), ""), learned(desk, found), settings(desk, found)),
  };
};

function learned(desk: Desk, found: Junk): HTMLElement {
  if (found.form.junk_filter === null)
    return card(t("Junk filter"), notice("off", t("The junk filter is off, so mail isn't classified by content.")));
  const young = found.lacks.length > 0;
  const few = !young && found.spams * 10 < found.hams;
  const messages = (kind: JunkLack["kind"], count: number) => {
    const lack = found.lacks.find((one) => one.kind === kind);
    if (lack === undefined) return many(count, "{n} message", "{n} messages");
    return many(lack.needed, "{done} of {n} message", "{done} of {n} messages", { done: count });
  };
  const progress = el("div", { class: "gap", role: "status" });
  const teach = button(
    t("Train with Archive and Junk"),
    async () => {
      const done: { text?: string } = {};
      const work = async () => {
        const taught = await desk.client.junk_teach();
        done.text = t("Training with {wanted} good and {junk} junk messages", {
          wanted: taught.wanted,
          junk: taught.junk,
        });
      };
      if (!(await attempt(t("Training junk filter…"), t("Couldn't train junk filter"), work))) return;
      desk.say(done.text!);
      await desk.refresh();
    },
    { kind: young ? "primary" : "line" },
  );
  const retrain = button(t("Retrain"), () => void again(desk, progress));
  return card(t("Training data"), [
    pairs([
      [t("Not junk"), messages("hams", found.hams)],
      [t("Junk"), messages("spams", found.spams)],
      [t("Moved to Junk in the last 7 days"), many(found.filed, "{n} message", "{n} messages")],
      [t("Rejected in the last 7 days"), many(found.refused, "{n} message", "{n} messages")],
    ]),
    young &&
      el(
        "p",
        { class: "gap" },
        t(
          "The filter needs more training. You can train the filter with the mail in Archive and Junk. Messages you've already marked won't change.",
        ),
      ),
    found.hams === 0 &&
      el("p", { class: "gap" }, t("You haven't filed any good mail yet. Moving mail to Archive trains the filter.")),
    few &&
      el(
        "p",
        { class: "gap" },
        many(
          found.spams,
          "{n} junk message and {wanted} others: too few junk messages to catch much. To catch more junk, mark it as junk.",
          "{n} junk messages and {wanted} others: too few junk messages to catch much. To catch more junk, mark it as junk.",
          { wanted: found.hams },
        ),
      ),
    el("div", { class: "flex wrap gap" }, teach, retrain),
    progress,
    inbox(desk, found),
  ]);
}

/** The offer to train the filter with the Inbox, for owners who only ever mark junk, and to take that back. */
function inbox(desk: Desk, found: Junk): Child[] {
  const lacking = found.lacks.some(({ kind }) => kind === "hams" || kind === "ham-senders");
  const perform = async (work: () => Promise<string>) => {
    const done: { text?: string } = {};
    if (
      !(await attempt(
        t("Training junk filter…"),
        t("Couldn't train junk filter"),
        async () => (done.text = await work()),
      ))
    )
      return;
    desk.say(done.text!);
    await desk.refresh();
  };
  const mark = async () => {
    const text = t(
      "These messages will be marked as not junk, so the filter learns from them. If some are junk, move them to Junk first. You can undo this.",
    );
    if (!(await confirm(t("Train with Inbox?"), text, t("Train with Inbox")))) return;
    await perform(async () =>
      many(
        await desk.client.account_junk_mark_inbox(),
        "Marked {n} message as not junk",
        "Marked {n} messages as not junk",
      ),
    );
  };
  const unmark = () =>
    perform(async () =>
      many(
        await desk.client.account_junk_unmark_inbox(),
        "Removed mark from {n} message",
        "Removed mark from {n} messages",
      ),
    );
  return [
    lacking &&
      found.kept > 0 && [
        el(
          "p",
          { class: "gap" },
          many(
            found.kept,
            "Your Inbox has {n} read message older than 14 days. If it isn't junk, the filter can learn from it.",
            "Your Inbox has {n} read messages older than 14 days. If they aren't junk, the filter can learn from them.",
          ),
        ),
        el("div", { class: "flex wrap gap" }, button(t("Train with Inbox"), mark)),
      ],
    found.marked > 0 && [
      el(
        "p",
        { class: "gap" },
        many(
          found.marked,
          "The filter was trained with {n} Inbox message.",
          "The filter was trained with {n} Inbox messages.",
        ),
      ),
      el("div", { class: "flex wrap gap" }, button(t("Undo"), unmark)),
    ],
  ];
}

async function again(desk: Desk, place: HTMLElement): Promise<void> {
  if (
    !(await confirm(
      t("Retrain the junk filter?"),
      t(
        "The filter will be rebuilt from messages you've marked as junk or not junk. It'll keep working in the meantime.",
      ),
      t("Retrain"),
    ))
  )
    return;
  const timer = setInterval(async () => {
    const { running, done, total } = await desk.client.junk_training();
    if (running)
      fill(
        place,
        meter(total === 0 ? 0 : done / total),
        el("p", { class: "hint" }, many(total, "{done} of {n} message", "{done} of {n} messages", { done })),
      );
  }, period);
  const result: { count?: number } = {};
  const ok = await attempt(
    t("Training junk filter…"),
    t("Couldn't train junk filter"),
    async () => (result.count = await desk.client.junk_retrain()),
  );
  clearInterval(timer);
  fill(place);
  if (ok) desk.say(many(result.count ?? 0, "Trained with {n} message", "Trained with {n} messages"));
  if (ok && desk.shown()) await desk.refresh();
}

function settings(desk: Desk, found: Junk): HTMLElement {
  const old = found.form;
  const own = old.junk_filter ?? found.standard;
  const flags = old.automatic_junk_flags;
  const names = el(
    "datalist",
    { id: "junk-mailboxes" },
    found.mailboxes.map((name) => el("option", { value: name })),
  );
  const on = tick(t("Filter junk by content"), old.junk_filter !== null);
  const comma = (0.5).toLocaleString(locale()).includes(",");
  const number = (label: string, value: number, hint: string) =>
    line(label, comma ? String(value).replace(".", ",") : String(value), hint, { inputmode: "decimal" });
  const threshold = number(
    t("Junk if score is above"),
    own.threshold,
    t("The filter uses a lower limit if your good mail allows it."),
  );
  const unsure = tick(
    t("Move probable junk to Junk, and only reject mail that's almost certainly junk"),
    own.file_unsure ?? false,
  );
  const grams = [
    tick(t("Single words"), own.onegrams),
    tick(t("Word pairs"), own.twograms),
    tick(t("Groups of 3 words"), own.threegrams),
  ] as const;
  const power = number(t("Maximum word weight"), own.max_power, t("Keeps word scores at least this far from 0 and 1."));
  const top = number(t("Words in explanations"), own.top_words, t("Shows a message's strongest words."));
  const ignore = number(t("Ignored words"), own.ignore_words, t("Ignores words with scores this close to 0.5."));
  const rare = number(t("Rare words"), own.rare_words, t("Ignores words seen this many times or fewer."));
  const rejects = line(
    t("Keep rejected mail in"),
    old.rejects_mailbox,
    t("Leave blank to discard rejected mail. Mail in this folder is deleted after a few days."),
    { list: "junk-mailboxes" },
  );
  const keep = tick(t("Keep rejected mail permanently"), old.keep_rejects);
  const intro = line(t("Folder for unknown senders"), old.introbox, t("Leave blank to use the Inbox."), {
    list: "junk-mailboxes",
  });
  const auto = tick(t("Classify messages by the folder you move them to"), flags.enabled);
  const matching = (pattern: string) => shown(found, pattern);
  const patterns = [
    new Folders(t("Junk folders"), flags.junk_mailbox_regexp, names.id, matching),
    new Folders(t("Neutral folders"), flags.neutral_mailbox_regexp, names.id, matching),
    new Folders(t("“Not junk” folders"), flags.not_junk_mailbox_regexp, names.id, (pattern) =>
      pattern === "" ? t("Leave blank to use all other folders.") : matching(pattern),
    ),
  ] as const;
  const capabilities = line(
    t("Hidden IMAP capabilities"),
    old.imap_capabilities_disabled.join(" "),
    t("Uppercase, separated by spaces. For mail apps with compatibility problems."),
  );
  const places = {
    "junk_filter.threshold": threshold,
    "junk_filter.max_power": power,
    "junk_filter.top_words": top,
    "junk_filter.ignore_words": ignore,
    "junk_filter.rare_words": rare,
    junk_filter: on,
    rejects_mailbox: rejects,
    introbox: intro,
    "automatic_junk_flags.junk_mailbox_regexp": patterns[0],
    "automatic_junk_flags.neutral_mailbox_regexp": patterns[1],
    "automatic_junk_flags.not_junk_mailbox_regexp": patterns[2],
    imap_capabilities_disabled: capabilities,
  };
  const save = form(
    [
      on.root,
      threshold.root,
      unsure.root,
      el(
        "details",
        {},
        el("summary", {}, t("Word scoring")),
        el(
          "div",
          { class: "form gap" },
          el(
            "fieldset",
            { class: "group" },
            el("legend", {}, t("Analyze")),
            grams.map((one) => one.root),
          ),
          power.root,
          top.root,
          ignore.root,
          rare.root,
        ),
      ),
      el("h3", {}, t("Folders")),
      rejects.root,
      keep.root,
      intro.root,
      el("h3", {}, t("Classification by folder")),
      auto.root,
      patterns.map((one) => one.root),
      el("h3", {}, t("IMAP")),
      capabilities.root,
      names,
    ],
    t("Save"),
    async () => {
      let bad = false;
      const read = (one: typeof threshold, whole: boolean): number => {
        const value = Number(one.control.value.replace(",", ".")); // decimal comma
        const good =
          one.control.value.trim() !== "" &&
          Number.isFinite(value) &&
          value >= 0 &&
          (!whole || Number.isInteger(value));
        if (!good)
          one.problem(
            whole ? t("Enter a whole number.") : t("Enter a number. For example, {n}", { n: found.standard.threshold }),
          );
        bad ||= !good;
        return good ? value : 0;
      };
      const filter: JunkFilterForm = {
        threshold: read(threshold, false),
        onegrams: grams[0].control.checked,
        twograms: grams[1].control.checked,
        threegrams: grams[2].control.checked,
        max_power: read(power, false),
        top_words: read(top, true),
        ignore_words: read(ignore, false),
        rare_words: read(rare, true),
        file_unsure: unsure.control.checked,
      };
      if (bad) return;
      const changed: JunkForm = {
        automatic_junk_flags: {
          enabled: auto.control.checked,
          junk_mailbox_regexp: patterns[0].value,
          neutral_mailbox_regexp: patterns[1].value,
          not_junk_mailbox_regexp: patterns[2].value,
        },
        junk_filter: on.control.checked ? filter : null,
        rejects_mailbox: rejects.control.value,
        keep_rejects: keep.control.checked,
        introbox: intro.control.value,
        imap_capabilities_disabled: capabilities.control.value.split(/\s+/).filter((word) => word !== ""),
      };
      try {
        await desk.client.account_junk_set(changed, old);
      } catch (error) {
        atFields(error, places);
        return;
      }
      desk.say(t("Saved"));
      await desk.refresh();
    },
  );
  return card(t("Settings"), save.root);
}

/** The mailboxes that a pattern matches now, and how many of the latest messages are in them. */
function shown(found: Junk, pattern: string): string {
  if (pattern === "") return "";
  let matching: string[];
  try {
    const compiled = new RegExp(pattern, "i");
    matching = found.mailboxes.filter((name) => compiled.test(name));
  } catch {
    return "";
  }
  if (matching.length === 0) return t("Doesn't match any of your folders.");
  const names = matching.slice(0, 10).join(", ");
  const count = (boxes: readonly string[]) => boxes.reduce((sum, name) => sum + (found.latest[name] ?? 0), 0);
  const all = count(Object.keys(found.latest));
  if (all === 0) return t("Matches {names}", { names });
  return many(
    all,
    "Matches {names}, with {found} of {n} message",
    "Matches {names}, with {found} of the last {n} messages",
    { names, found: count(matching) },
  );
}

export const pages: Readonly<Record<string, MakePage>> = { junk };
