// How mail is read, and of what this browser is told (WEBMAIL-105, WEBMAIL-122, WEBMAIL-162): the pages Appearance, Reading,
// Notifications and Shortcuts.

import { forgetMail, kept as keptFor } from "../../lib/beside";
import { el } from "../../lib/dom";
import { choice, field, tick, form as withButton } from "../../lib/fields";
import { card, head } from "../../lib/pages";
import { adopt } from "../../lib/sheets";
import { remember } from "../../lib/stored";
import { many, meant, t } from "../../lib/words";
import type { Layout, Local, Swipe } from "../../webmail/state/settings";
import { loadLocal, saveLocal } from "../../webmail/state/settings";
import { rowActions } from "../../webmail/ui/rowactions";
import { kept } from "../ui/kept";
import type { Desk, MakePage, Preferences } from "../ui/page";
import { alerts } from "./alerts";
import { allCommands, keyChoice } from "./keys";
import sheet from "./reading.css";

adopt(sheet);

type Choices = readonly (readonly [value: string, words: string])[];

/** A choice of one of the settings. */
function select<Name extends keyof Preferences>(
  desk: Desk,
  now: Preferences,
  name: Name,
  label: string,
  values: Choices,
  read: (value: string) => Preferences[Name] = (value) => value as Preferences[Name],
): HTMLElement {
  const made = choice(label, values, String(now[name]));
  return kept(made, (back) => desk.keep({ [name]: read(made.control.value) }, back));
}

/** A box for one of the settings, ticked while it has the value `on`. */
function check(desk: Desk, now: Preferences, name: keyof Preferences, label: string, on = true): HTMLElement {
  const made = tick(label, now[name] === on);
  return kept(made, (back) => desk.keep({ [name]: made.control.checked === on }, back));
}

/** A choice that this browser alone keeps. */
function local(name: "layout" | "left" | "right", label: string, values: Choices): HTMLElement {
  const made = choice(label, values, loadLocal()[name]);
  return kept(made, async () => {
    saveLocal({ ...loadLocal(), [name]: made.control.value } as Local);
    return true;
  });
}

async function now(desk: Desk): Promise<Preferences> {
  return (await desk.client.preferences()).settings as Preferences;
}

function page(title: string, hint: string, ...cards: (HTMLElement | false)[]): { title: string; root: HTMLElement } {
  return { title, root: el("div", { class: "page" }, head(title, hint), cards) };
}

const automatic = t("Changes are saved automatically.");

const form = (...content: (HTMLElement | null)[]) => el("div", { class: "form" }, content);

const languages = ["ar", "cs", "de", "en", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "sv", "uk", "zh"] as const;

/** The name of a language in itself. */
function nameOf(language: string): string {
  const name = new Intl.DisplayNames(language, { type: "language" }).of(language) ?? language;
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
}

const layouts: readonly (readonly [Layout, string])[] = [
  ["leftright", t("Beside list")],
  ["topbottom", t("Below list")],
];

const appearance: MakePage = async (desk) => {
  const old = await now(desk);
  const spoken = document.documentElement.lang;
  const improve = el(
    "p",
    { class: "hint", hidden: spoken === "en" },
    t("This is a machine translation. To improve it, edit {file} in moxlite's source code.", {
      file: `frontend/i18n/${spoken}.json`,
    }),
  );
  return page(
    t("Appearance"),
    automatic,
    card(
      "",
      form(
        select(desk, old, "language", t("Language"), [
          ["", t("Automatic")],
          ...languages.map((one) => [one, nameOf(one)] as const),
        ]),
        improve,
        select(desk, old, "color_scheme", t("Theme"), [
          ["auto", t("Use system setting")],
          ["light", t("Light")],
          ["dark", t("Dark")],
        ]),
        select(desk, old, "density", t("List density"), [
          ["comfortable", t("With preview")],
          ["compact", t("Compact")],
        ]),
        desk.webmail === "" ? null : local("layout", t("Reading pane"), layouts),
      ),
    ),
  );
};

const swipes: readonly (readonly [Swipe, string])[] = [
  ...rowActions.map(([action, , words]) => [action, words] as const),
  ["", t("Do nothing")],
];

const reading: MakePage = async (desk) => {
  const { settings, offline } = await desk.client.preferences();
  const old = settings as Preferences;
  const headers = field(
    t("Additional header fields, one per line"),
    el("textarea", { rows: "2", dir: "auto", spellcheck: "false" }, old.show_headers.join("\n")),
  );
  const device = desk.webmail === "" ? [] : onDevice(offline);
  return page(
    meant("settings", "Reading"),
    "",
    card(
      "",
      form(
        select(desk, old, "mark_seen_ms", t("Mark as read"), seenChoices(old.mark_seen_ms), Number),
        select(desk, old, "after_action", t("After archiving, deleting, or moving"), [
          ["next", t("Show next message")],
          ["previous", t("Show previous message")],
          ["list", t("Back to message list")],
        ]),
        check(desk, old, "show_html", t("Show messages as designed (HTML) instead of plain text")),
        check(desk, old, "invitation_mails", t("Email me invitations and replies from users on this server")),
      ),
    ),
    card(
      "",
      withButton(headers.root, t("Save"), async () => {
        const show_headers = headers.control.value
          .split("\n")
          .map((one) => one.trim().replace(/:$/, ""))
          .filter((one) => one !== "");
        return desk.keep({ show_headers });
      }).root,
    ),
    device.length > 0 && card(t("On this device"), form(...device)),
  );
};

/** What this browser alone keeps: swipes where there are fingers, and mail where it stays logged in. */
function onDevice(offline: boolean): HTMLElement[] {
  const touch =
    navigator.maxTouchPoints > 0
      ? [local("right", t("Swipe right"), swipes), local("left", t("Swipe left"), swipes)]
      : [];
  return offline && localStorage.getItem(`${keptFor()}-stays`) !== null ? [...touch, mailOffline()] : touch;
}

/** Whether mail is kept in this browser; pages of the webmail begin with it, or end it, as they hear of it. */
function mailOffline(): HTMLElement {
  const key = `${keptFor()}-offline`;
  const made = tick(
    t("Save mail for offline use"),
    localStorage.getItem(key) === "1",
    t(
      "Read the newest 200 messages and drafts offline, including attachments up to 1 MB. Your changes will sync when you're back online. To remove saved mail, log out.",
    ),
  );
  return kept(made, async () => {
    if (made.control.checked) {
      if (!remember(key, "1")) throw new Error(t("Your browser's storage is full."));
      await navigator.storage.persist().catch(() => false);
    } else await forgetMail();
    return true;
  });
}

function seenChoices(now: number): Choices {
  const known: [string, string][] = [
    ["0", t("Immediately")],
    ["500", t("After 0.5 seconds")],
    ["3000", t("After 3 seconds")],
    ["-1", t("Manually")],
  ];
  if (!known.some(([value]) => value === String(now)))
    known.push([String(now), many(now / 1000, "After {n} second", "After {n} seconds")]);
  return known;
}

const notifications: MakePage = async (desk) =>
  page(meant("settings", "Notifications"), automatic, card("", await alerts(desk)));

const shortcuts: MakePage = async (desk) => {
  const old = await now(desk);
  const keys = keyChoice(allCommands(), old.keymap);
  keys.root.addEventListener("change", async () => {
    if (!(await desk.keep({ keymap: keys.read() }))) await desk.refresh();
  });
  return page(
    t("Shortcuts"),
    automatic,
    card(
      "",
      form(
        check(desk, old, "single_keys", t("Single-letter shortcuts (for example, “a” to archive)")),
        check(desk, old, "open_on_move", t("Open messages as you move with the arrow keys, j, or k")),
        check(desk, old, "no_show_shortcuts", t("Show shortcut when you click an action"), false),
      ),
    ),
    card("", keys.root),
  );
};

export const pages: Readonly<Record<string, MakePage>> = { appearance, reading, notifications, shortcuts };
