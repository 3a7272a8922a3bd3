// Keys of client certificates, by which mail programs log in.

import type { TLSKeyInfo } from "../../gen/account";
import { attempt, confirm, dialog } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { atFields, differing, field, form, line, tick } from "../../lib/fields";
import { keyRound, plus } from "../../lib/icons";
import { protocolName } from "../../lib/logins";
import { button, card, copyable, foreign, head, table } from "../../lib/pages";
import { empty } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { cancelButton } from "./buttons";
import { hooks } from "./webhooks";

export const keys: MakePage = async (desk) => {
  const [all, sending, overview] = await Promise.all([
    desk.client.config_tlspubkey_list(),
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

function lastUse({ last_used, last_protocol, last_ip }: TLSKeyInfo): Child {
  if (last_used === null || last_used === undefined) return t("not in the last 30 days");
  const how = [protocolName(last_protocol), last_ip].filter(Boolean).join(", ");
  return el("span", {}, when(microseconds(last_used)), el("span", { class: "hint" }, ` ${how}`));
}

function keyList(desk: Desk, all: readonly TLSKeyInfo[], address: string): HTMLElement {
  const add = button(t("Add certificate"), () => void addKey(desk, address), { icon: plus });
  if (all.length === 0)
    return card(
      t("Client certificates"),
      empty(
        keyRound,
        t("No client certificates"),
        t(
          "Mail apps can log in with a client certificate instead of a password. To create one, run the commands below.",
        ),
        add,
      ),
      { flush: true },
    );
  const rows = table(
    t("Client certificates"),
    [
      { title: t("Name"), kind: "main", cell: (one) => el("b", {}, foreign(one.name)) },
      { title: t("Type"), cell: (one) => el("span", { class: "whole" }, one.type) },
      { title: t("Logs in as"), cell: (one) => foreign(one.login_address) },
      { title: t("Fingerprint"), cell: (one) => el("code", {}, `${one.fingerprint.slice(0, 12)}…`) },
      { title: t("Since"), cell: (one) => when(microseconds(one.created)) },
      { title: t("Last used"), cell: (one) => lastUse(one) },
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
  return card(t("Client certificates"), rows, { flush: true, actions: add });
}

const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

async function addKey(desk: Desk, address: string): Promise<void> {
  let command = "";
  const load = async () => {
    command = (await desk.client.config_tlspubkey_challenge()).command;
  };
  if (!(await attempt(t("Loading…"), t("Couldn't load details"), load))) return;
  const done = await dialog<boolean>(t("Add certificate"), (close) => {
    const text = field(
      t("Certificate"),
      el("textarea", { rows: "6", spellcheck: "false", autofocus: true }),
      t("Paste the content of cert.pem, starting with -----BEGIN CERTIFICATE-----."),
    );
    const file = field(t("Or choose a file"), el("input", { type: "file", accept: ".pem,.crt,.cer" }));
    file.control.addEventListener("change", async () => {
      const chosen = file.control.files?.[0];
      if (chosen !== undefined) text.control.value = await chosen.slice(0, 100_000).text();
    });
    const name = line(t("Name"), "", t("Leave blank to use the name in the certificate."), { maxlength: "256" });
    const login = line(t("Logs in as"), address);
    const noPreauth = tick(t("Require IMAP apps to log in"), false, t("For apps without PREAUTH support."));
    const how = el(
      "div",
      {},
      t("To prove that the private key is yours, run this command where key.pem is, and paste its output below."),
      el("div", { class: "command" }, copyable(command)),
    );
    const proof = field(
      t("Proof"),
      el("textarea", { rows: "4", spellcheck: "false" }),
      t("Leave blank if a mail app with this certificate has logged in to your account in the last day."),
    );
    const fields = [text.root, file.root, how, proof.root, name.root, login.root, noPreauth.root];
    const box = form(fields, t("Add"), async () => {
      // a private key must not leave this computer
      const leaked = [text, proof].find((one) => privateKey.test(one.control.value));
      if (leaked !== undefined) {
        leaked.problem(t("This contains a private key, so it wasn't sent. Don't share your private key."));
        return;
      }
      try {
        await desk.client.config_tlspubkey_add(
          login.control.value,
          text.control.value,
          name.control.value,
          noPreauth.control.checked,
          proof.control.value,
        );
      } catch (error) {
        atFields(error, { certificate: text, proof, name, address: login });
        return;
      }
      close(true);
    });
    return [box.root, cancelButton(() => close(false))];
  });
  if (done === true) await desk.refresh();
}

async function changeKey(desk: Desk, old: TLSKeyInfo): Promise<void> {
  const done = await dialog<boolean>(t("Edit certificate"), (close) => {
    const name = line(t("Name"), old.name, null, { maxlength: "256" });
    const login = line(t("Logs in as"), old.login_address);
    const command = tick(t("Require IMAP apps to log in"), old.no_imap_preauth);
    const box = form([name.root, login.root, command.root], t("Save"), async () => {
      try {
        await desk.client.config_tlspubkey_set(
          old.fingerprint,
          differing(old, {
            name: name.control.value,
            login_address: login.control.value,
            no_imap_preauth: command.control.checked,
          }),
          old.mark,
        );
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

async function removeKey(desk: Desk, one: TLSKeyInfo): Promise<void> {
  if (
    !(await confirm(
      t("Remove “{name}”?", { name: one.name }),
      t("Apps with this certificate will no longer be able to log in."),
      t("Remove certificate"),
    ))
  )
    return;
  if (
    await attempt(t("Removing…"), t("Couldn't remove certificate"), () =>
      desk.client.config_tlspubkey_rm(one.fingerprint),
    )
  )
    await desk.refresh();
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
  return card(t("Create a certificate"), [
    shown(
      t("On your computer, create a private key and a certificate (P-256). Add cert.pem above. Don't share key.pem."),
      make,
    ),
    shown(t("To package both for a mail app:"), pack),
    el(
      "details",
      { class: "gap" },
      el("summary", {}, t("If you have an older Apple device")),
      shown(t("Use the older encryption:"), packOld),
    ),
    el(
      "p",
      { class: "hint gap" },
      t(
        "You can also use RSA with at least 2048 bits. Few apps support Ed25519. Dates and names in the certificate are ignored.",
      ),
    ),
  ]);
}
