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
  const [found, removed, ways] = await Promise.all([
    desk.client.account_security(name),
    desk.client.account_removed(name),
    desk.access(name),
  ]);
  return [
    factors(desk, name, found),
    recovery(desk, name, found),
    keys(desk, name, found),
    ways,
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
      el("p", { class: "two" }, t("To turn this on, users go to Security in the account app.")),
      { actions: state("off", t("off")) },
    );
  const reset = async () => {
    const what = many(
      devices.length,
      "{n} verification method and all recovery codes will be removed. The user can log in with only the password. Browsers will be logged out, and the user will get an email.",
      "{n} verification methods and all recovery codes will be removed. The user can log in with only the password. Browsers will be logged out, and the user will get an email.",
    );
    if (!(await confirm(t("Reset two-step verification for {name}?", { name }), what, t("Reset")))) return;
    if (
      !(await attempt(t("Resetting…"), t("Couldn't reset two-step verification"), () =>
        desk.client.account_factors_reset(name),
      ))
    )
      return;
    desk.say(t("Turned off two-step verification for {name}", { name }));
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
    const also = tick(t("Also remove verification methods"), false, t("If the user also lost their devices."));
    const made = await fieldDialog(
      t("Recovery link for {name}", { name }),
      t("Create link"),
      { reset_factors: also },
      () => desk.client.account_recovery_link(name, also.control.checked),
      el(
        "p",
        { class: "hint" },
        t("The user will get an email. When the link is used, the user will be logged out everywhere."),
      ),
    );
    if (made === null) return;
    await showSecret(
      t("Recovery link"),
      t(
        "This link sets a new password. It works once, until {when} UTC, and replaces older links. Copy it now and send it to {name} securely. You won't be able to see it again.",
        { when: made.expires, name },
      ),
      copyable(made.url),
    );
  };
  const text = el(
    "p",
    { class: "two" },
    t(
      "Create a link to let the user set a new password. The link works once and expires after 1 hour. You won't see the new password.",
    ),
  );
  const without = el(
    "p",
    { class: "hint" },
    t(
      "The account page needs a public address for this link. Run moxlite config listeners publish-web on, or set web.public_url in moxlite.toml.",
    ),
  );
  return card(t("Lost password"), found.links ? text : [text, without], {
    actions: found.links && button(t("Recovery link…"), () => void make(), { kind: "line small" }),
  });
}

function keys(desk: Desk, name: string, found: AccountSecurity): HTMLElement {
  const add = async () => {
    let command = "";
    const load = async () => {
      command = (await desk.client.config_tlspubkey_challenge(name)).command;
    };
    if (!(await attempt(t("Loading…"), t("Couldn't load details"), load))) return;
    const address = choice(
      t("Logs in as"),
      found.addresses.map((one) => [one, one] as const),
      found.addresses[0] ?? "",
    );
    const certificate = field(
      t("Certificate"),
      el("textarea", { rows: "6", spellcheck: "false", class: "mono" }),
      t("In PEM format, without the private key. Dates and issuer are ignored."),
    );
    const title = line(t("Name"), "", t("Leave blank to use the name in the certificate."), { maxlength: "256" });
    const manual = tick(t("Require IMAP clients to log in"), false, t("For clients without PREAUTH support."));
    const proof = field(
      t("Proof"),
      el("textarea", { rows: "4", spellcheck: "false", class: "mono" }),
      t("Leave blank if a mail client with this certificate has logged in to the account in the last day."),
    );
    const how = el(
      "div",
      {},
      t(
        "To prove that the private key is theirs, the user runs this command where key.pem is, and sends you its output.",
      ),
      copyable(command),
    );
    proof.root.prepend(how);
    const done = await fieldDialog(
      t("Add certificate"),
      t("Add"),
      { address, certificate, proof, name: title, no_imap_preauth: manual },
      () =>
        desk.client.config_tlspubkey_add(
          address.control.value,
          certificate.control.value,
          title.control.value,
          manual.control.checked,
          proof.control.value,
          name,
        ),
    );
    if (done !== null) await desk.refresh();
  };
  const remove = async (one: TLSKeyInfo) => {
    if (
      !(await confirm(
        t("Remove “{name}”?", { name: one.name }),
        t("Clients with this certificate will no longer be able to log in as {address}.", {
          address: one.login_address,
        }),
        t("Remove"),
      ))
    )
      return;
    if (
      await attempt(t("Removing…"), t("Couldn't remove certificate"), () =>
        desk.client.config_tlspubkey_rm(one.fingerprint, name),
      )
    )
      await desk.refresh();
  };
  const list = table<TLSKeyInfo>(
    t("Client certificates"),
    [
      {
        title: t("Name"),
        kind: "main",
        cell: (one) => [el("b", {}, foreign(one.name, 80)), el("div", { class: "hint" }, one.fingerprint)],
      },
      { title: t("Type"), cell: (one) => one.type },
      { title: t("Logs in as"), cell: (one) => el("bdi", {}, one.login_address) },
      { title: t("IMAP"), cell: (one) => (one.no_imap_preauth ? t("login required") : t("no login required")) },
      { title: t("Since"), cell: (one) => when(microseconds(one.created)) },
      { title: t("Last used"), cell: lastUse },
      {
        title: "",
        kind: "top",
        cell: (one) => iconButton(t("Remove {name}", { name: one.name }), trash2, () => void remove(one)),
      },
    ],
    found.certificates,
  );
  const body =
    found.certificates.length === 0
      ? empty(
          keyRound,
          t("No client certificates"),
          t("Apps can log in over TLS with a client certificate instead of a password."),
        )
      : list;
  return card(t("Client certificates"), body, {
    flush: true,
    actions:
      found.addresses.length > 0 && button(t("Add certificate"), () => void add(), { icon: plus, kind: "line small" }),
  });
}

function lastUse({ last_used, last_protocol, last_ip }: TLSKeyInfo): Child {
  if (last_used === null) return el("span", { class: "muted" }, t("not in the last 30 days"));
  const how = [last_protocol, last_ip].filter(Boolean).join(", ");
  return el("span", {}, when(microseconds(last_used)), el("span", { class: "hint" }, ` ${how}`));
}

/** Removed mail by mailbox; what came back can be removed again by the user alone. */
function removedMail(desk: Desk, name: string, first: Recoverable): HTMLElement {
  const place = el("div");
  const since = el(
    "select",
    { "aria-label": t("Deletion time") },
    (
      [
        ["0", t("any time")],
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
        ? t("Messages will be restored to their original folders.")
        : t("Messages will be restored to {mailbox}.", { mailbox });
    if (
      !(await confirm(
        many(messages, "Restore {n} message?", "Restore {n} messages?"),
        t("{where} This includes messages that the user meant to delete.", { where }),
        t("Restore"),
        "primary",
      ))
    )
      return;
    await attempt(t("Restoring messages…"), t("Couldn't restore messages"), async () => {
      const done = await desk.client.account_undelete(name, from, mailbox);
      desk.say(
        many(done.messages, "{n} message restored.", "{n} messages restored.") +
          (done.damaged > 0 ? ` ${many(done.damaged, "Couldn't read {n}.", "Couldn't read {n}.")}` : ""),
      );
      await desk.refresh();
    });
  };
  const show = (found: Recoverable) => {
    const all = found.mailboxes.reduce((sum, one) => sum + one.messages, 0);
    const list = table<RemovedFrom>(
      t("Deleted messages"),
      [
        { title: t("Folder"), kind: "main", cell: (one) => foreign(one.mailbox, 120) },
        { title: t("Messages"), kind: "num", cell: (one) => one.messages.toLocaleString() },
        { title: t("Size"), kind: "num", cell: (one) => size(one.octets) },
        { title: t("Last deleted"), cell: (one) => when(one.last) },
        {
          title: "",
          kind: "top",
          cell: (one) =>
            button(t("Restore…"), () => void back(one.mailbox, one.messages), {
              kind: "line small",
              name: t("Restore mail to {mailbox}", { mailbox: one.mailbox }),
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
          button(many(all, "Restore {n} message…", "Restore all {n} messages…"), () => void back("", all), {
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
  return card(t("Deleted messages"), place, {
    flush: true,
    hint:
      first.kept > 0
        ? t("Messages are kept for {time} after a mail app deletes them.", { time: agoShort(first.kept) })
        : t("To keep deleted messages, set undelete_grace to more than 0."),
    actions: el("div", { class: "field" }, since),
  });
}

/** What the guard has stopped, and the way on. */
export function stopped(desk: Desk, one: StoppedAccount): HTMLElement {
  const held =
    one.messages === 0
      ? t("No messages on hold.")
      : t("On hold: {mail} to {people}.", {
          mail: many(one.messages, "{n} message", "{n} messages"),
          people: many(one.recipients, "{n} recipient", "{n} recipients"),
        });
  const release = async () => {
    const what =
      one.messages === 0
        ? t("This account will be able to send again.")
        : t("This account will be able to send again. Messages on hold will be sent immediately. You can't undo this.");
    const question = t("Allow {name} to send?", { name: one.account });
    if (!(await confirm(question, `${held} ${what}`, t("Allow"), "primary"))) return;
    if (!(await attempt(t("Saving…"), t("Couldn't allow sending"), () => desk.client.queue_guard_release(one.account))))
      return;
    desk.say(t("Allowed {name} to send", { name: one.account }));
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
    el("b", {}, t("Sending paused since {when}.", { when: moment(microseconds(one.since)) })),
    " ",
    one.why,
    " ",
    held,
    from,
    el(
      "div",
      { class: "hint" },
      el("a", { href: `#queue?account=${encodeURIComponent(one.account)}&hold=true` }, t("View messages on hold")),
      " · ",
      t("If someone else may know the password, set a new one first."),
    ),
  ];
  return notice(
    "danger",
    text,
    button(t("Allow sending…"), () => void release(), { kind: "line small" }),
  );
}
