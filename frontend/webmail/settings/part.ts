// The settings in a dialog (WEBMAIL-105).

import { attempt, dialog } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { t } from "../../lib/words";
import { adopt } from "../../lib/sheets";
import type { Desk } from "../commands/desk";
import type { AllSettings, Layout } from "../state/settings";
import sheet from "./settings.css";

adopt(sheet);

type Choices<T extends string> = readonly (readonly [T, string])[];

function select<T extends string>(label: string, value: T, choices: Choices<T>, first = false): { root: HTMLElement; read: () => T } {
  const input = el("select", { autofocus: first }, choices.map(([one, words]) => el("option", { value: one }, words)));
  input.value = value;
  return { root: el("label", { class: "setting" }, el("span", {}, label), input), read: () => input.value as T };
}

function check(label: string, value: boolean): { root: HTMLElement; read: () => boolean } {
  const input = el("input", { type: "checkbox" });
  input.checked = value;
  return { root: el("label", { class: "check" }, input, label), read: () => input.checked };
}

function text(label: string, value: string, rows: number): { root: HTMLElement; read: () => string } {
  const input = el("textarea", { class: "dialog-input", rows: String(rows), dir: "auto", maxlength: "10000" });
  input.value = value;
  return { root: el("label", { class: "field" }, label, input), read: () => input.value.replace(/\r\n?/g, "\n") };
}

/** Show the settings, and save changes. */
export async function openSettings(desk: Desk): Promise<void> {
  const old = desk.settings();
  const { panes } = desk;
  const own = desk.facts().addresses.filter((one) => !one.startsWith("@"));
  const signature = text(t("Signature"), old.signature, 4);
  const signatures = own.length > 1 ? own.map((address) => ({ address, ...text(address, old.signatures.find((one) => one.address === address)?.text ?? "", 2) })) : [];
  const quoting = select(t("Write answers"), old.quoting, [
    ["auto", t("Above; below a selected part")],
    ["top", t("Above what is quoted")],
    ["bottom", t("Below what is quoted")],
  ]);
  const scheme = select(t("Colours"), old.color_scheme, [
    ["auto", t("Same as the system")],
    ["light", t("Light")],
    ["dark", t("Dark")],
  ], true);
  const density = select(t("Rows"), old.density, [
    ["comfortable", t("With a preview")],
    ["compact", t("Compact")],
  ]);
  const layout = select<Layout>(t("Message"), panes.local.layout, [
    ["auto", t("Beside the list if there is room")],
    ["leftright", t("Beside the list")],
    ["topbottom", t("Below the list")],
  ]);
  const after = select(t("After archive, trash, move"), old.after_action, [
    ["next", t("Show the next message")],
    ["previous", t("Show the one before")],
    ["list", t("Back to the list")],
  ]);
  const seen = select(t("Mark as read"), String(old.mark_seen_ms), seenChoices(old.mark_seen_ms));
  const undo = select(t("Sent messages can be taken back"), String(old.undo_send_seconds), undoChoices(old.undo_send_seconds));
  const html = check(t("Show messages as designed (HTML), not as plain text"), old.show_html);
  const bars = check(t("Look up how mail to each recipient is protected"), old.show_address_security);
  const hints = check(t("Show the key of an action that is clicked"), !old.no_show_shortcuts);
  const keys = check(t("Single letters are keys (archive: a)"), old.single_keys);
  const headers = text(t("More header fields to show, one per line"), old.show_headers.join("\n"), 2);
  const section = (title: string, ...children: Child[]) => el("section", {}, el("h3", {}, title), ...children);

  const save = () => ({
    ...old,
    signature: signature.read(),
    signatures: signatures.map((one) => ({ address: one.address, text: one.read() })).filter((one) => one.text !== ""),
    quoting: quoting.read(),
    undo_send_seconds: Number(undo.read()),
    color_scheme: scheme.read(),
    density: density.read(),
    after_action: after.read(),
    mark_seen_ms: Number(seen.read()),
    show_html: html.read(),
    show_address_security: bars.read(),
    no_show_shortcuts: !hints.read(),
    single_keys: keys.read(),
    show_headers: headers.read().split("\n").map((one) => one.trim().replace(/:$/, "")).filter((one) => one !== ""),
  });
  const chosen = await dialog<AllSettings>(t("Settings"), (close) => [
    el(
      "form",
      {
        class: "settings",
        onsubmit: (event: Event) => {
          event.preventDefault();
          panes.set({ ...panes.local, layout: layout.read() });
          close(save());
        },
      },
      el(
        "div",
        { class: "settings-body" },
        section(t("Look"), scheme.root, density.root, layout.root),
        section(t("Reading"), seen.root, after.root, html.root, headers.root),
        section(t("Writing"), quoting.root, undo.root, signature.root, signatures.length > 0 && el("details", {}, el("summary", {}, t("Another signature for an address")), signatures.map((one) => one.root)), bars.root),
        section(t("Keys and links"), keys.root, hints.root, mailtoButton(desk)),
      ),
      el("div", { class: "dialog-buttons" }, el("button", { class: "primary", type: "submit" }, t("Save"))),
    ),
  ]);
  if (chosen !== null) await attempt(t("Saving the settings"), () => desk.client.settings_save(chosen));
}

function seenChoices(now: number): Choices<string> {
  const known: [string, string][] = [
    ["0", t("At once")],
    ["500", t("After half a second")],
    ["3000", t("After 3 seconds")],
    ["-1", t("Only by hand")],
  ];
  if (!known.some(([value]) => value === String(now))) known.push([String(now), t("After {n} seconds", { n: now / 1000 })]);
  return known;
}

function undoChoices(now: number): Choices<string> {
  const numbers = [...new Set([5, 10, 20, 30, now])].filter((n) => n > 0).sort((a, b) => a - b);
  return [["0", t("Never")], ...numbers.map((n) => [String(n), t("For {n} seconds", { n })] as const)];
}

function mailtoButton(desk: Desk): Child {
  if (typeof navigator.registerProtocolHandler !== "function") return null;
  const register = () => navigator.registerProtocolHandler("mailto", `${location.origin}${desk.base}#compose %s`);
  return el("button", { type: "button", onclick: () => void attempt(t("Taking addresses of web pages"), async () => register()) }, t("Write here when a page has a mail address"));
}
