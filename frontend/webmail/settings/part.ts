// The settings (WEBMAIL-105): a page beside the mailboxes, in sections. A change is saved at once, and can be undone.

import { messageOf } from "../../lib/client";
import { attempt } from "../../lib/dialogs";
import { type Child, el, fill, placed, sign } from "../../lib/dom";
import { holdFocus } from "../../lib/focus";
import { arrowLeft, bell, eye, fileText, keyRound, monitor, pencil } from "../../lib/icons";
import { adopt } from "../../lib/sheets";
import { notice } from "../../lib/states";
import { t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import type * as NoticesPart from "../notices/part";
import type * as RichPart from "../rich/part";
import type { Rich } from "../rich/part";
import type * as SquirePart from "../squire/part";
import type { AllSettings, Layout, Swipe } from "../state/settings";
import type * as TemplatesPart from "../templates/part";
import { rowActions } from "../ui/rowactions";
import { keyChoice } from "./keys";
import sheet from "./settings.css";

adopt(sheet);

type Choices<T extends string> = readonly (readonly [T, string])[];

function select<T extends string>(label: string, value: T, choices: Choices<T>): { root: HTMLElement; read: () => T } {
  const input = el(
    "select",
    {},
    choices.map(([one, words]) => el("option", { value: one }, words)),
  );
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

/** A signature as plain text, and as HTML for messages with formatting; `html` is "" for the text there, too. */
interface Signature {
  text: string;
  html: string;
}

/** The signature of all addresses, and of single ones: the user chooses whose is in the field. */
function signatures(
  desk: Surroundings,
  old: AllSettings,
  own: readonly string[],
): { root: HTMLElement; read: () => Pick<AllSettings, "signature" | "signature_html" | "signatures"> } {
  const all = new Map<string, Signature>(
    own.map((address) => {
      const found = old.signatures.find((one) => one.address === address);
      return [address, { text: found?.text ?? "", html: found?.html ?? "" }];
    }),
  );
  all.set("", { text: old.signature, html: old.signature_html });
  let chosen = "";
  let editor: Rich | null = null;
  /** Counts what was shown: an editor that comes late is for another signature. */
  let turn = 0;
  const input = el("textarea", {
    class: "dialog-input",
    rows: "4",
    dir: "auto",
    maxlength: "20000",
    id: "settings-signature",
  });
  const label = el("label", { for: "settings-signature" });
  const chips = el("div", { class: "flex wrap" });
  const place = el("div", {}, input);
  const format = el("input", { type: "checkbox", onchange: () => void toggle() });
  /** Show the editor for this HTML. */
  const edit = async (html: string) => {
    const own = ++turn;
    const [rich, { Squire }] = await Promise.all([
      desk.load<typeof RichPart>("rich"),
      desk.load<typeof SquirePart>("squire"),
    ]);
    if (own !== turn) return;
    editor?.close();
    const none = () => undefined;
    editor = rich.openEditor(Squire, html, {
      client: desk.client,
      base: desk.base,
      changed: none,
      note: none,
      say: none,
      pictures: false,
    });
    editor.root.setAttribute("aria-label", label.textContent);
    // leaving it is a change of the form, as leaving a field is
    editor.root.addEventListener("focusout", () => void place.dispatchEvent(new Event("change", { bubbles: true })));
    input.hidden = true;
    place.append(editor.tools, editor.root);
  };
  const draw = () => {
    const { text, html } = all.get(chosen)!;
    label.textContent = chosen === "" ? t("Signature") : t("Signature for {address}", { address: chosen });
    input.value = text;
    input.hidden = false;
    turn++;
    editor?.close();
    editor = null;
    format.checked = html !== "";
    if (html !== "") void attempt(t("Loading…"), t("Couldn't open editor"), () => edit(html));
    fill(
      chips,
      own.length > 1 &&
        ["", ...own].map((address) =>
          el(
            "button",
            {
              class: "chip pill",
              type: "button",
              "aria-pressed": String(address === chosen),
              onclick: () => choose(address),
            },
            address === "" ? t("All addresses") : address,
          ),
        ),
    );
  };
  const keep = () => {
    if (editor !== null) all.set(chosen, { text: editor.text().trimEnd(), html: editor.html() });
    else if (!format.checked) all.set(chosen, { text: input.value.replace(/\r\n?/g, "\n"), html: "" });
  };
  const toggle = async () => {
    if (format.checked)
      await attempt(t("Loading…"), t("Couldn't open editor"), () =>
        edit(
          all
            .get(chosen)!
            .text.split("\n")
            .map((line) => `<div>${line.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`) || "<br>"}</div>`)
            .join(""),
        ),
      );
    else {
      keep();
      all.set(chosen, { text: all.get(chosen)!.text, html: "" });
      draw();
    }
  };
  const choose = (address: string) => {
    keep();
    chosen = address;
    draw();
    chips.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus();
  };
  draw();
  return {
    root: el(
      "div",
      { class: "field" },
      chips,
      label,
      place,
      el("label", { class: "check" }, format, t("Use formatting")),
      el("p", { class: "hint" }, t("Added below your message. Each address can have its own.")),
    ),
    read: () => {
      keep();
      const { text, html } = all.get("")!;
      // an empty one that was there, as programs set it, stays: "none" is not "as for all addresses"
      const none = new Set(old.signatures.filter((one) => one.text === "").map((one) => one.address));
      const single = [...all].filter(([address, one]) => address !== "" && (one.text !== "" || none.has(address)));
      return {
        signature: text,
        signature_html: html,
        signatures: single.map(([address, one]) => ({ address, ...one })),
      };
    },
  };
}

const languages = ["ar", "cs", "de", "en", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "sv", "uk", "zh"] as const;

/** Languages whose texts no speaker has read yet. */
const unread: readonly string[] = ["ar", "cs", "he", "it", "ja", "pl", "pt", "sv", "uk", "zh"];

/** The name of a language in itself. */
function nameOf(language: string): string {
  const name = new Intl.DisplayNames(language, { type: "language" }).of(language) ?? language;
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
}

/** The settings that were saved last, and those that the page knew then: until it hears of the change, it is behind. */
let ahead: { readonly saved: AllSettings; readonly known: AllSettings } | null = null;

/** Show the settings, if they are not there yet. */
export function openSettings(desk: Surroundings): void {
  const present = document.querySelector<HTMLElement>(".settings-page");
  if (present !== null) {
    present.focus();
    return;
  }
  const old = ahead?.known === desk.settings() ? ahead.saved : desk.settings();
  const { panes } = desk;
  const signature = signatures(
    desk,
    old,
    desk.facts().addresses.filter((one) => !one.startsWith("@")),
  );
  const quoting = select(t("Write replies"), old.quoting, [
    ["auto", t("Above the quote, or below selected text")],
    ["top", t("Above the quote")],
    ["bottom", t("Below the quote")],
  ]);
  const scheme = select(t("Theme"), old.color_scheme, [
    ["auto", t("Use system setting")],
    ["light", t("Light")],
    ["dark", t("Dark")],
  ]);
  const speech = select(t("Language"), old.language, [
    ["", t("Automatic")],
    ...languages.map((one) => [one, nameOf(one)] as const),
  ]);
  const spoken = document.documentElement.lang;
  const improve = el(
    "p",
    { class: "hint", hidden: !unread.includes(spoken) },
    t("This is a machine translation. To improve it, edit {file} in moxlite's source code.", {
      file: `frontend/i18n/${spoken}.json`,
    }),
  );
  const density = select(t("List density"), old.density, [
    ["comfortable", t("With preview")],
    ["compact", t("Compact")],
  ]);
  const layout = select<Layout>(t("Message"), panes.local.layout, [
    ["leftright", t("Beside list")],
    ["topbottom", t("Below list")],
  ]);
  const after = select(t("After archiving, deleting, or moving"), old.after_action, [
    ["next", t("Show next message")],
    ["previous", t("Show previous message")],
    ["list", t("Back to message list")],
  ]);
  const swipes: Choices<Swipe> = [
    ...rowActions.map(([action, , words]) => [action, words] as const),
    ["", t("Do nothing")],
  ];
  const left = select(t("Swipe left"), panes.local.left, swipes);
  const right = select(t("Swipe right"), panes.local.right, swipes);
  const touch = navigator.maxTouchPoints > 0 ? [right.root, left.root] : [];
  const seen = select(t("Mark as read"), String(old.mark_seen_ms), seenChoices(old.mark_seen_ms));
  const undo = select(t("Undo send"), String(old.undo_send_seconds), undoChoices(old.undo_send_seconds));
  const html = check(t("Show messages as designed (HTML) instead of plain text"), old.show_html);
  const bars = check(t("Check encryption for each recipient"), old.show_address_security);
  const hints = check(t("Show shortcut when you click an action"), !old.no_show_shortcuts);
  const keymap = keyChoice(desk.commands, old.keymap);
  const keys = check(t("Single-letter shortcuts (archive: a)"), old.single_keys);
  const opens = check(t("Open messages immediately with arrow keys, j, and k"), old.open_on_move);
  const invitations = check(t("Email me invitations and replies from users on this server"), old.invitation_mails);
  const headers = text(t("Additional header fields, one per line"), old.show_headers.join("\n"), 2);

  const notices = el("div", { class: "notices" });
  load(notices, t("Couldn't load notification settings"), async () =>
    (await desk.load<typeof NoticesPart>("notices")).showNotices(desk, notices),
  );
  const templates = el("div", {});
  load(templates, t("Couldn't load templates"), async () =>
    (await desk.load<typeof TemplatesPart>("templates")).showTemplates(desk, templates),
  );
  const device = el("div", {});
  void desk.offlineChoice().then((choice) => choice !== null && device.append(choice));
  const sections = [
    section("writing", t("Writing"), pencil, signature.root, quoting.root, undo.root, bars.root, mailtoButton(desk)),
    section("templates", t("Templates"), fileText, templates),
    section(
      "reading",
      t("Reading"),
      eye,
      seen.root,
      after.root,
      ...touch,
      html.root,
      invitations.root,
      headers.root,
      device,
    ),
    section("look", t("Appearance"), monitor, speech.root, improve, scheme.root, density.root, layout.root),
    section("notices", t("Notifications on this device"), bell, notices),
    section("keys", t("Shortcuts"), keyRound, keys.root, opens.root, hints.root, keymap.root),
  ];
  const state = el("p", { class: "settings-state hint", role: "status" }, t("Changes are saved automatically."));
  const read = (): AllSettings => ({
    ...desk.settings(),
    ...signature.read(),
    quoting: quoting.read(),
    undo_send_seconds: Number(undo.read()),
    language: speech.read(),
    color_scheme: scheme.read(),
    density: density.read(),
    after_action: after.read(),
    mark_seen_ms: Number(seen.read()),
    show_html: html.read(),
    show_address_security: bars.read(),
    no_show_shortcuts: !hints.read(),
    single_keys: keys.read(),
    open_on_move: opens.read(),
    invitation_mails: invitations.read(),
    keymap: keymap.read(),
    show_headers: headers
      .read()
      .split("\n")
      .map((one) => one.trim().replace(/:$/, ""))
      .filter((one) => one !== ""),
  });
  let saved = read();
  // as the last call has them, whose answer may not be here yet
  let asked = saved;
  let last: Promise<unknown> = Promise.resolve();
  const send = (wanted: AllSettings, words: string, before?: AllSettings) => {
    asked = wanted;
    ahead = { saved: wanted, known: desk.settings() };
    last = last.then(async () => {
      const saving = async () => {
        try {
          await desk.client.settings_save(wanted);
        } catch (error) {
          fill(state, t("Couldn't save: {why}", { why: messageOf(error) }));
          throw error;
        }
      };
      if (!(await attempt(t("Saving…"), t("Couldn't save settings"), saving))) {
        asked = saved;
        ahead = null;
        // once: after it, the form may be gone
        addEventListener("connected", save, { once: true });
        return;
      }
      removeEventListener("connected", save);
      saved = wanted;
      const back = before && el("button", { class: "link", type: "button", onclick: () => undone(before) }, t("Undo"));
      fill(state, words, back !== undefined && [" ", back]);
    });
  };
  const undone = (before: AllSettings) => {
    close();
    void last
      .then(() =>
        attempt(t("Saving…"), t("Couldn't save settings"), () =>
          desk.client.settings_save({ ...before, searches: desk.settings().searches }),
        ),
      )
      .then((done) => {
        if (done) ahead = { saved: before, known: desk.settings() };
        openSettings(desk);
      });
  };
  const save = () => {
    const local = { ...panes.local, layout: layout.read(), left: left.read(), right: right.read() };
    if (JSON.stringify(local) !== JSON.stringify(panes.local)) panes.set(local);
    const wanted = read();
    if (JSON.stringify({ ...wanted, searches: [] }) !== JSON.stringify({ ...asked, searches: [] }))
      send(wanted, t("Saved."), asked);
  };
  const giveBack = holdFocus();
  // not modal: the mailboxes stay in reach; the page's keys wait until it is closed, as for any open dialog
  const page = el("dialog", { class: "settings-page", "aria-label": t("Settings"), tabindex: "-1" });
  const leave = (event: Event) => {
    if (event.target instanceof Element && event.target.closest(".mailbox-open, .compose-new, .search-input") !== null)
      close();
  };
  const close = () => {
    save();
    removeEventListener("click", leave, true);
    removeEventListener("keydown", pressed, true);
    page.remove();
    giveBack();
  };
  addEventListener("click", leave, true);
  const { account_path } = desk.facts();
  fill(
    page,
    el(
      "nav",
      { class: "settings-nav", "aria-label": t("Settings sections") },
      el("button", { class: "btn text settings-back", type: "button", onclick: close }, sign(arrowLeft), t("Done")),
      el("h2", { class: "settings-title" }, t("Settings")),
      el(
        "div",
        { class: "settings-links" },
        sections.map(({ title, path, root }) =>
          el(
            "button",
            { class: "btn settings-link", type: "button", onclick: () => root.scrollIntoView() },
            sign(path),
            title,
          ),
        ),
      ),
      account_path !== "" &&
        el(
          "p",
          { class: "hint" },
          placed(t("For your password, devices, linked accounts, and import, go to {account}."), {
            account: el("a", { href: account_path }, t("your account")),
          }),
        ),
    ),
    el(
      "form",
      { class: "settings", onchange: save, onsubmit: (event: Event) => event.preventDefault() },
      sections.map(({ root }) => root),
      state,
    ),
  );
  // wherever the focus is: what was open before may have taken it
  const pressed = (event: KeyboardEvent) => {
    if (
      event.key !== "Escape" ||
      event.isComposing ||
      document.querySelector("dialog:modal, .menu, .key-waiting, .key-question") !== null
    )
      return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  addEventListener("keydown", pressed, true);
  document.body.append(page);
  page.show();
}

/** Fill a place of the page. Where that fails, the place says so, and is filled when the page is connected again. */
function load(place: HTMLElement, failed: string, work: () => Promise<void>): void {
  const begin = () =>
    void work().then(
      () => removeEventListener("connected", begin),
      (error: unknown) => {
        addEventListener("connected", begin);
        const again = el("button", { class: "btn line", type: "button", onclick: begin }, t("Try again"));
        fill(place, notice("warn", `${failed}. ${messageOf(error)}`, again));
      },
    );
  begin();
}

function section(
  name: string,
  title: string,
  path: string,
  ...children: Child[]
): { title: string; path: string; root: HTMLElement } {
  const id = `settings-${name}`;
  return { title, path, root: el("section", { "aria-labelledby": id }, el("h3", { id }, title), ...children) };
}

function seenChoices(now: number): Choices<string> {
  const known: [string, string][] = [
    ["0", t("Immediately")],
    ["500", t("After 0.5 seconds")],
    ["3000", t("After 3 seconds")],
    ["-1", t("Manually")],
  ];
  if (!known.some(([value]) => value === String(now)))
    known.push([String(now), t("After {n} seconds", { n: now / 1000 })]);
  return known;
}

function undoChoices(now: number): Choices<string> {
  const numbers = [...new Set([5, 10, 20, 30, now])].filter((n) => n > 0).sort((a, b) => a - b);
  return [["0", t("Never")], ...numbers.map((n) => [String(n), t("For {n} seconds", { n })] as const)];
}

function mailtoButton(desk: Surroundings): Child {
  if (typeof navigator.registerProtocolHandler !== "function") return null;
  const register = () => navigator.registerProtocolHandler("mailto", `${location.origin}${desk.base}#compose %s`);
  return el(
    "button",
    {
      class: "btn line",
      type: "button",
      onclick: () => void attempt(t("Saving…"), t("Couldn't set up email links"), async () => register()),
    },
    t("Open email links from web pages here"),
  );
}
