// Outgoing mail of the account, suppressed addresses, webhooks, and keys of client certificates.

import type {
  HookTest,
  KeyItem,
  Left,
  Outgoing,
  QueuedItem,
  Sending,
  SendingForm,
  SuppressedItem,
} from "../../gen/account";
import { attempt, confirm, dialog } from "../../lib/dialogs";
import { type Child, el, fill } from "../../lib/dom";
import { atFields, field, form, line, tick } from "../../lib/fields";
import { keyRound, plus, send } from "../../lib/icons";
import { button, card, copyable, foreign, head, table } from "../../lib/pages";
import { empty, notice, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";

const outgoing: MakePage = async (desk) => {
  const [mail, suppressed] = await Promise.all([desk.client.outgoing(0), desk.client.suppression_list()]);
  const root = el(
    "div",
    { class: "page" },
    head(t("Outgoing"), ""),
    waiting(desk, mail),
    ended(mail.ended),
    suppressions(desk, suppressed),
  );
  return { title: t("Outgoing"), root };
};

function waiting(desk: Desk, first: Outgoing): HTMLElement {
  if (first.waiting.length === 0)
    return card(
      t("Waiting to be sent"),
      empty(
        send,
        t("Nothing is waiting"),
        t("Mail that you send appears here until its recipients’ servers have taken it."),
      ),
      { flush: true },
    );
  const place = el("div", {});
  const all = [...first.waiting];
  let more = first.more;
  const draw = () =>
    fill(
      place,
      table(
        t("Waiting to be sent"),
        [
          {
            title: t("To"),
            kind: "main",
            cell: (one) =>
              el(
                "span",
                {},
                el("b", {}, foreign(one.recipient)),
                el("br"),
                el("span", { class: "hint" }, foreign(one.subject, 120)),
              ),
          },
          { title: t("State"), cell: (one) => status(one) },
          { title: t("Attempts"), cell: (one) => (one.attempts === 0 ? t("none yet") : String(one.attempts)) },
          {
            title: t("Next"),
            cell: (one) =>
              one.next_attempt === null ? t("not while it is on hold") : when(microseconds(one.next_attempt)),
          },
          {
            title: "",
            kind: "num",
            cell: (one) =>
              el(
                "span",
                { class: "flex wrap" },
                !one.stopped && button(t("Try now"), () => void tryNow(desk, one), { kind: "line small" }),
                button(t("Cancel"), () => void cancel(desk, one), {
                  kind: "line small",
                  name: t("Cancel mail to {name}", { name: one.recipient }),
                }),
              ),
          },
        ],
        all,
      ),
      more &&
        el(
          "p",
          { class: "more" },
          button(
            t("Show older ones"),
            () =>
              void attempt(t("Reading the queue"), async () => {
                const next = await desk.client.outgoing(all.at(-1)!.id);
                all.push(...next.waiting);
                more = next.more;
                draw();
              }),
            { kind: "text" },
          ),
        ),
    );
  draw();
  return card(t("Waiting to be sent"), place, { flush: true });
}

function status(one: QueuedItem): Child {
  if (one.stopped)
    return [
      state("danger", t("stopped by the server")),
      el("br"),
      el("span", { class: "hint" }, t("Ask the administrator: sending from your account looks unusual.")),
    ];
  if (one.hold) return state("off", t("on hold"));
  if (one.error === "") return state("wait", t("waiting"));
  return [state("warn", t("delayed")), el("br"), el("span", { class: "hint" }, foreign(one.error, 200))];
}

async function tryNow(desk: Desk, one: QueuedItem): Promise<void> {
  if (await attempt(t("Trying again"), () => desk.client.outgoing_try([one.id]))) await desk.refresh();
}

async function cancel(desk: Desk, one: QueuedItem): Promise<void> {
  if (
    !(await confirm(
      t("Cancel this message?"),
      t(
        "It is taken out of the queue for {name} and not sent. If it is being sent at this moment, it may arrive all the same.",
        { name: one.recipient },
      ),
      t("Cancel the message"),
    ))
  )
    return;
  if (await attempt(t("Cancelling"), () => desk.client.outgoing_cancel([one.id]))) await desk.refresh();
}

function end(word: string): Child {
  const made: Readonly<Record<string, () => HTMLElement>> = {
    delivered: () => state("ok", t("delivered")),
    relayed: () => state("ok", t("passed on")),
    failed: () => state("danger", t("not delivered")),
    canceled: () => state("off", t("cancelled")),
  };
  return made[word]?.() ?? word;
}

function ended(found: readonly Left[]): Child {
  if (found.length === 0) return null;
  return card(
    t("Sent in the last week"),
    el(
      "ul",
      { class: "lines" },
      found.map((one) =>
        el(
          "li",
          {},
          el("span", { class: "grow" }, foreign(one.recipient)),
          end(one.state),
          el("span", { class: "muted" }, when(microseconds(one.ended))),
        ),
      ),
    ),
    { flush: true },
  );
}

function suppressions(desk: Desk, found: readonly SuppressedItem[]): HTMLElement {
  const add = button(t("Add an address"), () => void suppress(desk), { icon: plus });
  const hint = t(
    "Addresses to which nothing more is sent, because their servers have said that they do not exist, or because you want it so.",
  );
  if (found.length === 0)
    return card(t("Suppressed addresses"), el("p", { class: "hint" }, t("None. "), hint), { actions: add });
  const rows = table(
    t("Suppressed addresses"),
    [
      { title: t("Address"), kind: "main", cell: (one) => el("b", {}, foreign(one.address)) },
      {
        title: t("Reason"),
        cell: (one) => (one.reason === "" ? (one.manual ? t("added by hand") : "") : foreign(one.reason, 160)),
      },
      { title: t("Since"), cell: (one) => when(microseconds(one.created)) },
      {
        title: t("Until"),
        cell: (one) => (one.expires === null ? t("removed by hand") : when(microseconds(one.expires))),
      },
      {
        title: "",
        kind: "num",
        cell: (one) =>
          button(
            t("Remove"),
            async () => {
              if (await attempt(t("Removing the address"), () => desk.client.suppression_remove(one.address)))
                await desk.refresh();
            },
            { kind: "line small", name: t("Remove {name}", { name: one.address }) },
          ),
      },
    ],
    found,
  );
  return card(t("Suppressed addresses"), rows, { flush: true, actions: add, hint });
}

async function suppress(desk: Desk): Promise<void> {
  const done = await dialog<boolean>(t("Send nothing more to an address"), (close) => {
    const address = line(t("Address"), "", null, { inputmode: "email", autofocus: "" });
    const reason = line(t("Reason"), "", t("For yourself; may be empty."), { maxlength: "300" });
    const box = form([address.root, reason.root], t("Add"), async () => {
      await desk.client.suppression_add(address.control.value, reason.control.value);
      close(true);
    });
    return [box.root, cancelButton(() => close(false))];
  });
  if (done === true) await desk.refresh();
}

function cancelButton(run: () => void): HTMLElement {
  return el(
    "div",
    { class: "dialog-buttons" },
    el("button", { class: "btn", type: "button", onclick: run }, t("Cancel")),
  );
}

const keys: MakePage = async (desk) => {
  const [all, sending, overview] = await Promise.all([
    desk.client.key_list(),
    desk.client.sending(),
    desk.client.overview(),
  ]);
  const root = el(
    "div",
    { class: "page" },
    head(t("Keys and webhooks"), ""),
    keyList(desk, all, overview.login_address),
    commands(),
    hooks(desk, sending),
  );
  return { title: t("Keys and webhooks"), root };
};

function keyList(desk: Desk, all: readonly KeyItem[], address: string): HTMLElement {
  const add = button(t("Add a certificate"), () => void addKey(desk, address), { icon: plus });
  if (all.length === 0)
    return card(
      t("Keys for logging in"),
      empty(
        keyRound,
        t("No keys"),
        t(
          "A mail program that has the key of a certificate logs in without a password. Make one with the commands below.",
        ),
        add,
      ),
      { flush: true },
    );
  const rows = table(
    t("Keys for logging in"),
    [
      { title: t("Name"), kind: "main", cell: (one) => el("b", {}, foreign(one.name)) },
      { title: t("Kind"), cell: (one) => one.type },
      { title: t("Logs in as"), cell: (one) => foreign(one.login_address) },
      { title: t("Fingerprint"), cell: (one) => el("code", {}, `${one.fingerprint.slice(0, 12)}…`) },
      { title: t("Since"), cell: (one) => when(microseconds(one.created)) },
      {
        title: "",
        kind: "num",
        cell: (one) =>
          el(
            "span",
            { class: "flex wrap" },
            button(t("Change"), () => void changeKey(desk, one), {
              kind: "line small",
              name: t("Change {name}", { name: one.name }),
            }),
            button(t("Remove"), () => void removeKey(desk, one), {
              kind: "line small",
              name: t("Remove {name}", { name: one.name }),
            }),
          ),
      },
    ],
    all,
  );
  return card(t("Keys for logging in"), rows, { flush: true, actions: add });
}

async function addKey(desk: Desk, address: string): Promise<void> {
  const done = await dialog<boolean>(t("Add a certificate"), (close) => {
    const text = field(
      t("Certificate"),
      el("textarea", { rows: "6", spellcheck: "false", autofocus: true }),
      t("The content of cert.pem: it begins with -----BEGIN CERTIFICATE-----."),
    );
    const file = field(t("Or choose the file"), el("input", { type: "file", accept: ".pem,.crt,.cer" }));
    file.control.addEventListener("change", async () => {
      const chosen = file.control.files?.[0];
      if (chosen !== undefined) text.control.value = await chosen.slice(0, 100_000).text();
    });
    const name = line(t("Name"), "", t("Empty: the name in the certificate."), { maxlength: "256" });
    const login = line(t("Logs in as"), address);
    const command = tick(
      t("IMAP programs still send a log-in command"),
      false,
      t("For programs that do not know that they are logged in already (PREAUTH)."),
    );
    const box = form([text.root, file.root, name.root, login.root, command.root], t("Add"), async () => {
      // a private key must not leave this computer
      if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text.control.value)) {
        text.problem(
          t("This has a private key. It was not sent: keep it to yourself, and give the certificate alone."),
        );
        return;
      }
      try {
        await desk.client.key_add(text.control.value, name.control.value, login.control.value, command.control.checked);
      } catch (error) {
        atFields(error, { certificate: text, name, login_address: login });
        return;
      }
      close(true);
    });
    return [box.root, cancelButton(() => close(false))];
  });
  if (done === true) await desk.refresh();
}

async function changeKey(desk: Desk, old: KeyItem): Promise<void> {
  const done = await dialog<boolean>(t("Change a key"), (close) => {
    const name = line(t("Name"), old.name, null, { maxlength: "256" });
    const login = line(t("Logs in as"), old.login_address);
    const command = tick(t("IMAP programs still send a log-in command"), old.no_imap_preauth);
    const box = form([name.root, login.root, command.root], t("Save"), async () => {
      try {
        await desk.client.key_save(old, {
          ...old,
          name: name.control.value,
          login_address: login.control.value,
          no_imap_preauth: command.control.checked,
        });
      } catch (error) {
        atFields(error, { name, login_address: login });
        return;
      }
      close(true);
    });
    return [box.root, cancelButton(() => close(false))];
  });
  if (done === true) await desk.refresh();
}

async function removeKey(desk: Desk, one: KeyItem): Promise<void> {
  if (
    !(await confirm(
      t("Remove “{name}”?", { name: one.name }),
      t("Programs with this key can no longer log in."),
      t("Remove key"),
    ))
  )
    return;
  if (await attempt(t("Removing the key"), () => desk.client.key_remove(one.fingerprint))) await desk.refresh();
}

const make = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\
  -keyout key.pem -out cert.pem -days 3650 -subj "/CN=my computer"`;
const pack = "openssl pkcs12 -export -inkey key.pem -in cert.pem -out key.p12 -name mail";
const packOld = `openssl pkcs12 -export -inkey key.pem -in cert.pem -out key.p12 -name mail \\
  -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1`;

/** The commands that make a key. */
function commands(): HTMLElement {
  const shown = (title: string, text: string) => [
    el("p", { class: "gap" }, title),
    el("div", { class: "command" }, copyable(text)),
  ];
  return card(t("Make a key"), [
    shown(
      t(
        "On your own computer, make a private key and a certificate (P-256). Add cert.pem above; keep key.pem to yourself.",
      ),
      make,
    ),
    shown(t("Pack both for a mail program:"), pack),
    el(
      "details",
      { class: "gap" },
      el("summary", {}, t("Older Apple systems refuse that file")),
      shown(t("They need the older encryption:"), packOld),
    ),
    el(
      "p",
      { class: "hint gap" },
      t(
        "RSA of 2048 bits or more works too. Few programs take ed25519. Dates and names in the certificate do not matter.",
      ),
    ),
  ]);
}

/** Webhooks, addresses with unique senders, kept periods. */
function hooks(desk: Desk, found: Sending): HTMLElement {
  const old = found.form;
  const out = old.outgoing_webhook;
  const into = old.incoming_webhook;
  const secret = (label: string, value: string, hint: string) =>
    line(label, value, hint, { type: "password", autocomplete: "off" });
  const outURL = line(t("URL"), out.url, t("Called by POST with JSON. Empty: no calls."), { inputmode: "url" });
  const outAuth = secret(t("Authorization"), out.authorization, t("Value of the header field, such as “Bearer …”."));
  const outKey = secret(
    t("Key that signs the calls"),
    out.secret,
    t("whsec_ and a key in base64, as Standard Webhooks have it. Empty: not signed."),
  );
  const events = found.events.map((name) => tick(name, out.events.length === 0 || out.events.includes(name)));
  const inURL = line(t("URL"), into.url, t("Called by POST with JSON. Empty: no calls."), { inputmode: "url" });
  const inAuth = secret(t("Authorization"), into.authorization, "");
  const inKey = secret(t("Key that signs the calls"), into.secret, "");
  const ids = line(
    t("Addresses with a unique sender for each message"),
    old.from_id_login_addresses.join(" "),
    t(
      "Log-ins with these get a sender address of its own for each message, so that answers can be matched. Separated by spaces.",
    ),
  );
  const keepMail = line(
    t("Keep finished mail in the list for"),
    old.keep_retired_message_period,
    t("Such as 7d or 12h; 0s for not at all."),
  );
  const keepHooks = line(
    t("Keep finished calls in the list for"),
    old.keep_retired_webhook_period,
    t("Such as 7d or 12h; 0s for not at all."),
  );
  const places = {
    "outgoing_webhook.url": outURL,
    "outgoing_webhook.authorization": outAuth,
    "outgoing_webhook.secret": outKey,
    "outgoing_webhook.events": events[0]!,
    "incoming_webhook.url": inURL,
    "incoming_webhook.authorization": inAuth,
    "incoming_webhook.secret": inKey,
    from_id_login_addresses: ids,
    keep_retired_message_period: keepMail,
    keep_retired_webhook_period: keepHooks,
  };
  const chosen = () => found.events.filter((_, i) => events[i]!.control.checked);
  const outForm = () => ({
    url: outURL.control.value.trim(),
    authorization: outAuth.control.value,
    events: chosen().length === found.events.length ? [] : chosen(),
    secret: outKey.control.value,
  });
  const inForm = () => ({
    url: inURL.control.value.trim(),
    authorization: inAuth.control.value,
    secret: inKey.control.value,
  });
  const outTest = test(desk, () => ({ ...outForm() }), false, { url: outURL, authorization: outAuth });
  const inTest = test(desk, () => ({ ...inForm(), events: [] }), true, { url: inURL, authorization: inAuth });
  const save = form(
    [
      el("h3", {}, t("Calls about sent mail")),
      outURL.root,
      outAuth.root,
      outKey.root,
      el(
        "fieldset",
        { class: "group" },
        el("legend", {}, t("Events")),
        events.map((one) => one.root),
      ),
      outTest,
      el("h3", {}, t("Calls about incoming mail")),
      inURL.root,
      inAuth.root,
      inKey.root,
      inTest,
      el("h3", {}, t("Sent mail")),
      ids.root,
      keepMail.root,
      keepHooks.root,
    ],
    t("Save"),
    async () => {
      if (outURL.control.value.trim() !== "" && chosen().length === 0) {
        events[0]!.problem(t("Choose at least one event."));
        return;
      }
      const changed: SendingForm = {
        outgoing_webhook: outForm(),
        incoming_webhook: inForm(),
        from_id_login_addresses: ids.control.value.split(/\s+/).filter((word) => word !== ""),
        keep_retired_message_period: keepMail.control.value.trim(),
        keep_retired_webhook_period: keepHooks.control.value.trim(),
      };
      try {
        await desk.client.sending_save(old, changed);
      } catch (error) {
        atFields(error, places);
        return;
      }
      desk.say(t("Saved"));
      await desk.refresh();
    },
  );
  return card(t("Webhooks"), save.root, {
    hint: t("For programs of your own: your web server is called about what you send and receive."),
  });
}

/** A button that makes a test call, and its answer. */
function test(
  desk: Desk,
  hook: () => { url: string; authorization: string; events: string[]; secret: string },
  incoming: boolean,
  places: Readonly<Record<string, { problem(text: string): void }>>,
): HTMLElement {
  const answer = el("div", { role: "status" });
  const run = async () => {
    fill(answer, notice("wait", t("Calling…")));
    let found: HookTest;
    try {
      found = await desk.client.webhook_test(hook(), incoming);
    } catch (error) {
      fill(answer);
      try {
        atFields(error, places);
      } catch (rest) {
        fill(answer, notice("danger", rest instanceof Error ? rest.message : String(rest)));
      }
      return;
    }
    const time = t("after {seconds} s", { seconds: found.seconds.toFixed(1) });
    const words = [
      found.status === 0 ? [foreign(found.error), " "] : t("Status {code} ", { code: String(found.status) }),
      time,
    ];
    fill(
      answer,
      notice(found.error === "" ? "ok" : "danger", [
        words,
        found.response !== "" && el("pre", { class: "answer" }, foreign(found.response, 600)),
      ]),
    );
  };
  return el(
    "div",
    {},
    button(t("Make a test call"), () => void run()),
    answer,
  );
}

export const pages: Readonly<Record<string, MakePage>> = { outgoing, keys };
