// Ways into an account: second factors, recovery links, keys of certificates; and mail that was removed.

import type { AccountSecurity, Recoverable, RemovedFrom, StoppedAccount, TLSKeyInfo } from "../../gen/admin";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el, fill } from "../../lib/dom";
import { choice, field, line, tick } from "../../lib/fields";
import { keyRound, plus, trash2 } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { button, card, copyable, foreign, iconButton, table } from "../../lib/pages";
import { empty, notice, state } from "../../lib/states";
import { agoShort, microseconds, moment, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import type { Desk } from "../ui/page";
import { fieldDialog, showSecret } from "../ui/shared";

const hour = 3600e6;

/** The cards of the tab. */
export async function securityCards(desk: Desk, name: string): Promise<Child> {
  const [found, removed] = await Promise.all([desk.client.account_security(name), desk.client.account_removed(name)]);
  return [
    factors(desk, name, found),
    recovery(desk, name, found),
    keys(desk, name, found),
    removedMail(desk, name, removed),
  ];
}

type Device = readonly [kind: string, name: string, created: number, used: number];

function factors(desk: Desk, name: string, found: AccountSecurity): HTMLElement {
  const devices: Device[] = [
    ...found.apps.map((one): Device => [t("authenticator app"), one.name, one.created, one.last_used]),
    ...found.keys.map(
      (one): Device => [t("security key at {host}", { host: one.host }), one.name, one.created, one.last_used],
    ),
  ];
  if (devices.length === 0)
    return card(
      t("Two-step verification"),
      el("p", { class: "two" }, state("off", t("off")), " ", t("Users turn it on in the account app, under Security.")),
    );
  const reset = async () => {
    const what = many(
      devices.length,
      "{n} device goes, with the recovery codes; the password alone is enough from then on. Browsers are logged out, and the user is told by mail.",
      "{n} devices go, with the recovery codes; the password alone is enough from then on. Browsers are logged out, and the user is told by mail.",
    );
    if (!(await confirm(t("Reset two-step verification for {name}?", { name }), what, t("Reset")))) return;
    if (
      !(await attempt(t("Resetting…"), t("Couldn't reset two-step verification"), () =>
        desk.client.account_factors_reset(name),
      ))
    )
      return;
    desk.say(t("Two-step verification for {name} is off", { name }));
    await desk.refresh();
  };
  const list = table<Device>(
    t("Two-step verification"),
    [
      { title: t("Device"), kind: "main", cell: ([, title]) => foreign(title, 80) },
      { title: t("Type"), cell: ([kind]) => kind },
      { title: t("Since"), cell: ([, , created]) => when(created) },
      { title: t("Last used"), cell: ([, , , used]) => (used === 0 ? t("never") : when(used)) },
    ],
    devices,
  );
  return card(t("Two-step verification"), list, {
    flush: true,
    hint: many(found.codes, "{n} recovery code left.", "{n} recovery codes left."),
    actions: button(t("Reset…"), () => void reset(), { kind: "line small danger" }),
  });
}

function recovery(desk: Desk, name: string, found: AccountSecurity): HTMLElement {
  const make = async () => {
    const also = tick(t("Also remove verification methods"), false, t("For a user who lost the devices too."));
    const made = await fieldDialog(
      t("Recovery link for {name}", { name }),
      t("Make the link"),
      { reset_factors: also },
      () => desk.client.account_recovery_link(name, also.control.checked),
      el(
        "p",
        { class: "hint" },
        t("The user is told of it by mail. Nothing changes until the link is used; then all sessions end."),
      ),
    );
    if (made === null) return;
    await showSecret(
      t("Recovery link"),
      t(
        "It sets a new password once, until {when} UTC; an older link of this account has ended. Give it to {name} on a way that you trust: it is shown only now.",
        { when: made.expires, name },
      ),
      copyable(made.url),
    );
  };
  const text = el(
    "p",
    { class: "two" },
    t("A link with which the user sets a new password, once and within an hour. You do not get to know the password."),
  );
  const without = el(
    "p",
    { class: "hint" },
    t(
      "The account page has no public address for the link: moxlite config listeners publish-web on, or web.public_url in moxlite.toml.",
    ),
  );
  return card(t("Lost password"), found.links ? text : [text, without], {
    actions: found.links && button(t("Recovery link…"), () => void make(), { kind: "line small" }),
  });
}

function keys(desk: Desk, name: string, found: AccountSecurity): HTMLElement {
  const add = async () => {
    const address = choice(
      t("Logs in as"),
      found.addresses.map((one) => [one, one] as const),
      found.addresses[0] ?? "",
    );
    const certificate = field(
      t("Certificate"),
      el("textarea", { rows: "6", spellcheck: "false", class: "mono" }),
      t("In PEM form, without the private key. Only its key counts, not its dates or issuer."),
    );
    const title = line(t("Name"), "", t("Empty: as the certificate has it."), { maxlength: "256" });
    const manual = tick(
      t("Mail clients log in by command"),
      false,
      t("For programs that do not expect to be logged in by IMAP at once."),
    );
    const done = await fieldDialog(
      t("Add a key"),
      t("Add key"),
      { address, certificate, key_name: title, no_imap_preauth: manual },
      () =>
        desk.client.account_key_add(
          name,
          address.control.value,
          certificate.control.value,
          title.control.value,
          manual.control.checked,
        ),
    );
    if (done !== null) await desk.refresh();
  };
  const remove = async (one: TLSKeyInfo) => {
    if (
      !(await confirm(
        t("Remove the key “{name}”?", { name: one.name }),
        t("Programs with it can no longer log in as {address}.", { address: one.login_address }),
        t("Remove"),
      ))
    )
      return;
    if (
      await attempt(t("Removing…"), t("Couldn't remove certificate"), () =>
        desk.client.account_key_remove(name, one.fingerprint),
      )
    )
      await desk.refresh();
  };
  const list = table<TLSKeyInfo>(
    t("Keys of certificates"),
    [
      {
        title: t("Name"),
        kind: "main",
        cell: (one) => [el("b", {}, foreign(one.name, 80)), el("div", { class: "hint" }, one.fingerprint)],
      },
      { title: t("Type"), cell: (one) => one.type },
      { title: t("Logs in as"), cell: (one) => el("bdi", {}, one.login_address) },
      { title: t("IMAP"), cell: (one) => (one.no_imap_preauth ? t("by command") : t("at once")) },
      { title: t("Since"), cell: (one) => when(microseconds(one.created)) },
      {
        title: "",
        kind: "top",
        cell: (one) => iconButton(t("Remove the key {name}", { name: one.name }), trash2, () => void remove(one)),
      },
    ],
    found.certificates,
  );
  const body =
    found.certificates.length === 0
      ? empty(
          keyRound,
          t("No client certificates"),
          t("A program with a client certificate logs in without a password, by TLS."),
        )
      : list;
  return card(t("Keys of certificates"), body, {
    flush: true,
    actions: found.addresses.length > 0 && button(t("Add a key"), () => void add(), { icon: plus, kind: "line small" }),
  });
}

/** Removed mail by mailbox; what came back can be removed again by the user alone. */
function removedMail(desk: Desk, name: string, first: Recoverable): HTMLElement {
  const place = el("div");
  const since = el(
    "select",
    { "aria-label": t("Removed within") },
    (
      [
        ["0", t("everything that is kept")],
        ["1", t("the last hour")],
        ["24", t("the last day")],
        ["72", t("the last 3 days")],
      ] as const
    ).map(([value, words]) => el("option", { value }, words)),
  );
  const begin = () => (since.value === "0" ? 0 : Math.round(Date.now() * 1000 - Number(since.value) * hour));
  const back = async (mailbox: string, messages: number) => {
    const from = begin();
    const where =
      mailbox === ""
        ? t("Messages will be restored to their original mailboxes.")
        : t("They go back to {mailbox}.", { mailbox });
    if (
      !(await confirm(
        many(messages, "Bring {n} message back?", "Bring {n} messages back?"),
        t("{where} Messages that the user removed on purpose are among them.", { where }),
        t("Restore"),
      ))
    )
      return;
    await attempt(t("Restoring messages…"), t("Couldn't restore messages"), async () => {
      const done = await desk.client.account_undelete(name, from, mailbox);
      desk.say(
        many(done.messages, "{n} message is back.", "{n} messages are back.") +
          (done.damaged > 0 ? ` ${many(done.damaged, "{n} could not be read.", "{n} could not be read.")}` : ""),
      );
      await desk.refresh();
    });
  };
  const show = (found: Recoverable) => {
    const all = found.mailboxes.reduce((sum, one) => sum + one.messages, 0);
    const list = table<RemovedFrom>(
      t("Removed mail"),
      [
        { title: t("Folder"), kind: "main", cell: (one) => foreign(one.mailbox, 120) },
        { title: t("Messages"), kind: "num", cell: (one) => one.messages.toLocaleString() },
        { title: t("Size"), kind: "num", cell: (one) => size(one.octets) },
        { title: t("Last removed"), cell: (one) => when(one.last) },
        {
          title: "",
          kind: "top",
          cell: (one) =>
            button(t("Bring back…"), () => void back(one.mailbox, one.messages), {
              kind: "line small",
              name: t("Bring mail of {mailbox} back", { mailbox: one.mailbox }),
            }),
        },
      ],
      found.mailboxes,
    );
    fill(
      place,
      all === 0 ? el("p", { class: "two pad" }, t("None.")) : list,
      found.mailboxes.length > 1 &&
        el(
          "p",
          { class: "pad" },
          button(many(all, "Bring {n} message back…", "Bring all {n} messages back…"), () => void back("", all), {
            kind: "line small",
          }),
        ),
    );
  };
  since.addEventListener(
    "change",
    () =>
      void attempt(t("Loading…"), t("Couldn't load deleted messages"), async () =>
        show(await desk.client.account_removed(name, begin())),
      ),
  );
  show(first);
  return card(t("Removed mail"), place, {
    flush: true,
    hint:
      first.kept > 0
        ? t("Kept for {time} after a mail client deleted it.", { time: agoShort(first.kept) })
        : t("Nothing is kept: undelete_grace is 0."),
    actions: el("div", { class: "field" }, since),
  });
}

/** What the guard has stopped, and the way on. */
export function stopped(desk: Desk, one: StoppedAccount): HTMLElement {
  const held =
    one.messages === 0
      ? t("Nothing is held.")
      : t("Held: {mail} to {people}.", {
          mail: many(one.messages, "{n} message", "{n} messages"),
          people: many(one.recipients, "{n} recipient", "{n} recipients"),
        });
  const release = async () => {
    const what =
      one.messages === 0
        ? t("It can send again.")
        : t("It can send again, and what is held goes out at once. This can't be undone.");
    if (!(await confirm(t("Let {name} send again?", { name: one.account }), `${held} ${what}`, t("Let it send"))))
      return;
    if (!(await attempt(t("Saving…"), t("Couldn't allow sending"), () => desk.client.queue_guard_release(one.account))))
      return;
    desk.say(t("{name} may send again", { name: one.account }));
    await desk.refresh();
  };
  const from =
    one.sources.length > 0 &&
    el(
      "div",
      { class: "hint" },
      t("Sent from:"),
      " ",
      one.sources
        .slice(0, 5)
        .map((source, place) => [
          place > 0 && ", ",
          el("bdi", {}, source.address),
          ` (${many(source.messages, "{n} message", "{n} messages")})`,
        ]),
    );
  const text = [
    el("b", {}, t("Sending is stopped since {when}.", { when: moment(microseconds(one.since)) })),
    " ",
    one.why,
    " ",
    held,
    from,
    el(
      "div",
      { class: "hint" },
      el("a", { href: `#queue?account=${encodeURIComponent(one.account)}&hold=true` }, t("Look at what is held")),
      " · ",
      t("If someone else knew the old password, set a new one first."),
    ),
  ];
  return notice(
    "danger",
    text,
    button(t("Let it send again…"), () => void release(), { kind: "line small" }),
  );
}
