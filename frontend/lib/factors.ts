// Two-step log-in, for the account app and the admin app: code apps, security keys, recovery codes (WEB-151).

import { attempt, confirm, dialog } from "./dialogs";
import { el, fill, placed, sign } from "./dom";
import type { FactorAdded, FactorKey, FactorState, KeyRequest, NewApp, ProgramUse, TOTPApp } from "./factortypes";
import { field, form, line, tick } from "./fields";
import { download, keyRound, list, plus, smartphone } from "./icons";
import { button, card, copyable, copyButton, foreign } from "./pages";
import { qrDrawing } from "./qrcode";
import { serverClock } from "./secondstep";
import { notice, state } from "./states";
import { when } from "./times";
import { createKey, keysKnown, useKey } from "./webauthn";
import { many, t } from "./words";

/** The calls about second factors, of the clients of both apps. */
export interface FactorClient {
  second_factors(): Promise<FactorState>;
  totp_begin(name: string): Promise<NewApp>;
  totp_finish(code: string): Promise<FactorAdded>;
  key_begin(name: string): Promise<KeyRequest>;
  key_created(answer: string): Promise<KeyRequest>;
  key_finish(answer: string): Promise<FactorAdded>;
  factor_remove(kind: "totp" | "key", id: number): Promise<FactorState>;
  recovery_codes_new(): Promise<string[]>;
}

/** A card that shows the second factors and changes them. `mail`: the user has mail programs, which need app passwords then; not
 * for the administrator. */
export async function factorsCard(client: FactorClient, mail: boolean): Promise<HTMLElement> {
  const place = el("div", { class: "factors" });
  const show = (found: FactorState): void =>
    fill(
      place,
      built(client, found, mail, async () => show(await client.second_factors())),
    );
  show(await client.second_factors());
  return place;
}

function built(client: FactorClient, found: FactorState, mail: boolean, refresh: () => Promise<void>): HTMLElement {
  const on = isOn(found);
  const add = (work: () => Promise<boolean>) => async () => {
    if (await work()) await refresh();
  };
  const remove = async (kind: "totp" | "key", id: number, name: string) => {
    const last = found.apps.length + found.keys.length === 1;
    const off = mail
      ? t("You'll only need your password to log in, even in mail apps.")
      : t("You'll only need your password to log in.");
    const said = last
      ? t("This is your last verification method, so two-step verification will be turned off. {off}", { off })
      : t("You won't be able to use it to log in. Your other verification methods will still work.");
    if (!(await confirm(t("Remove “{name}”?", { name }), said, t("Remove")))) return;
    if (await attempt(t("Removing…"), t("Couldn't remove verification method"), () => client.factor_remove(kind, id)))
      await refresh();
  };
  const renew = async () => {
    if (!(await confirm(t("Create new recovery codes?"), t("Your old codes will stop working."), t("Create codes"))))
      return;
    let codes: string[] = [];
    if (
      await attempt(t("Creating…"), t("Couldn't create recovery codes"), async () => {
        codes = await client.recovery_codes_new();
      })
    ) {
      await showCodes(codes);
      await refresh();
    }
  };
  const rows = [
    ...found.apps.map((app) =>
      row(
        smartphone,
        placed(t("Authenticator app “{name}”"), { name: foreign(app.name) }),
        used(app),
        removal(app.name, () => void remove("totp", app.id, app.name)),
      ),
    ),
    ...found.keys.map((key) =>
      row(
        keyRound,
        placed(t("Security key “{name}” for {host}"), { name: foreign(key.name), host: el("bdi", {}, key.host) }),
        used(key),
        removal(key.name, () => void remove("key", key.id, key.name)),
      ),
    ),
  ];
  if (on) {
    const few = found.codes < 4;
    const left = many(found.codes, "{n} recovery code left", "{n} recovery codes left");
    rows.push(
      row(
        list,
        few ? state("warn", left) : left,
        t("Use a code if you lose a device."),
        button(t("New codes"), () => void renew(), { kind: "text small" }),
      ),
    );
  }
  const key = button(t("Add security key"), () => void add(() => addKey(client, found, mail))(), { icon: plus });
  const possible = found.host !== "" && keysKnown();
  return card(
    t("Two-step verification"),
    [
      el(
        "p",
        { class: "two" },
        t(
          "You'll also need a code from your phone or a security key to log in. A stolen password alone won't be enough.",
        ),
      ),
      rows.length > 0 && el("ul", { class: "factor-list" }, rows),
      el(
        "div",
        { class: "flex wrap factor-add" },
        button(t("Add authenticator app"), () => void add(() => addApp(client, found, mail))(), { icon: plus }),
        possible && key,
      ),
      !possible &&
        el(
          "p",
          { class: "hint" },
          t(
            "Security keys require a host name with HTTPS, so you can't add one here. Authenticator apps work everywhere.",
          ),
        ),
      possible &&
        el(
          "p",
          { class: "hint" },
          t("Security keys only work at {host}. Authenticator apps and recovery codes work everywhere.", {
            host: found.host,
          }),
        ),
    ],
    { actions: on ? state("ok", t("on")) : state("off", t("off")) },
  );
}

function isOn(found: FactorState): boolean {
  return found.apps.length + found.keys.length > 0;
}

function row(
  path: string,
  what: Parameters<typeof el>[2],
  hint: Parameters<typeof el>[2],
  act: HTMLElement,
): HTMLElement {
  return el(
    "li",
    {},
    sign(path),
    el("div", { class: "grow" }, el("div", {}, what), el("div", { class: "hint" }, hint)),
    act,
  );
}

function used(device: TOTPApp | FactorKey): (Node | string)[] {
  return placed(t("added {added}, last used {used}"), { added: when(device.created), used: when(device.last_used) });
}

function removal(name: string, run: () => void): HTMLElement {
  return button(t("Remove"), run, { kind: "text small", name: t("Remove {name}", { name }) });
}

/** What turning it on stops; null where it is on, or stops nothing. */
function warning(found: FactorState, mail: boolean): HTMLElement | null {
  if (isOn(found) || !mail) return null;
  const text = t("After that, mail apps will need app passwords. Your own password will only work on these web pages.");
  if (found.programs.length === 0) return notice("unknown", text);
  return el(
    "div",
    { class: "stack" },
    notice("warn", [text, " ", t("These apps used your own password in the last 30 days and will stop working:")]),
    el(
      "ul",
      { class: "factor-programs" },
      found.programs.map((one) => el("li", {}, program(one))),
    ),
  );
}

const protocols: Readonly<Record<string, string>> = {
  imap: t("reading mail (IMAP)"),
  submission: t("sending mail (SMTP)"),
  smtp: t("sending mail (SMTP)"),
  webapi: t("web API"),
  dav: t("calendars and contacts"),
};

function program(one: ProgramUse): (Node | string)[] {
  const text = t("{app}, {protocol}, from {ip}, {time}", { protocol: protocols[one.protocol] ?? one.protocol });
  return placed(text, {
    app: one.program === "" ? el("span", {}, t("Unknown app")) : foreign(one.program, 80),
    ip: el("bdi", {}, one.remote_ip),
    time: when(one.last),
  });
}

/** A dialog in steps: `begin` fills it first. Resolves with whether something was added. */
async function steps(
  title: string,
  begin: (show: (...content: Node[]) => void, close: (added: boolean) => void) => void,
): Promise<boolean> {
  const answer = await dialog<boolean>(title, (close) => {
    const place = el("div", { class: "stack" });
    const buttons = () =>
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")),
      );
    begin((...content) => {
      fill(place, content, buttons());
      place.querySelector("input")?.focus();
    }, close);
    return [place];
  });
  return answer === true;
}

async function addApp(client: FactorClient, found: FactorState, mail: boolean): Promise<boolean> {
  let codes: string[] = [];
  const added = await steps(t("Add authenticator app"), (show, close) => {
    const name = line(t("Device name"), found.apps.length === 0 ? t("Phone") : "", t("Helps you tell devices apart."), {
      maxlength: "64",
    });
    const named = form([warning(found, mail), name.root], t("Continue"), async () => {
      const made = await client.totp_begin(name.control.value);
      const code = field(
        t("Code from the app"),
        el("input", {
          class: "code",
          inputmode: "numeric",
          autocomplete: "one-time-code",
          maxlength: "9",
          required: true,
        }),
        serverClock(made.server_time),
      );
      const tried = form(code.root, t("Turn on"), async () => {
        ({ recovery_codes: codes } = await client.totp_finish(code.control.value));
        close(true);
      });
      show(
        el(
          "p",
          {},
          t("Scan this with an authenticator app, such as Aegis, Google Authenticator, or your password manager."),
        ),
        qrDrawing(made.qr, t("QR code. You'll find the same secret as text below")),
        el("p", { class: "hint" }, t("Or type this secret into the app:")),
        copyable(made.secret.replace(/(.{4})(?=.)/g, "$1 ")),
        tried.root,
      );
      code.control.focus();
    });
    show(named.root);
  });
  if (codes.length > 0) await showCodes(codes);
  return added;
}

async function addKey(client: FactorClient, found: FactorState, mail: boolean): Promise<boolean> {
  let codes: string[] = [];
  const added = await steps(t("Add security key"), (show, close) => {
    const name = line(t("Key name"), "", t("Helps you tell keys apart."), { maxlength: "64" });
    const named = form([warning(found, mail), name.root], t("Continue"), async () => {
      const made = await createKey((await client.key_begin(name.control.value)).options);
      const request = await client.key_created(made);
      const tried = form(el("p", {}, t("Test the key to finish setup.")), t("Test key"), async () => {
        const given = await useKey(request.options);
        ({ recovery_codes: codes } = await client.key_finish(given));
        close(true);
      });
      show(tried.root);
      tried.root.querySelector("button")?.focus();
    });
    show(named.root);
  });
  if (codes.length > 0) await showCodes(codes);
  return added;
}

/** The recovery codes, once: they cannot be shown again. */
export async function showCodes(codes: readonly string[]): Promise<void> {
  await dialog<boolean>(
    t("Recovery codes"),
    (close) => {
      const kept = tick(t("I saved these codes"), false);
      const done = el(
        "button",
        { class: "btn primary", type: "button", disabled: true, onclick: () => close(true) },
        t("Done"),
      );
      kept.control.addEventListener("change", () => (done.disabled = !kept.control.checked));
      const all = () => `${codes.join("\n")}\n`;
      return [
        el(
          "p",
          { class: "dialog-text" },
          t(
            "Save these codes where you can find them without your phone, such as on paper or in a password manager. Each code works once. You won't be able to see them again.",
          ),
        ),
        el(
          "ol",
          { class: "recovery-codes" },
          codes.map((code) => el("li", {}, el("code", {}, code))),
        ),
        el(
          "div",
          { class: "flex wrap" },
          copyButton(all, t("Copy")),
          button(t("Download"), () => save(all()), { icon: download }),
          button(t("Print"), () => print(), {}),
        ),
        kept.root,
        el("div", { class: "dialog-buttons" }, done),
      ];
    },
    false,
  );
}

function save(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = el("a", { href: url, download: t("recovery codes for {host}.txt", { host: location.hostname }) });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
