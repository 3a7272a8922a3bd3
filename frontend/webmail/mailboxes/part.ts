// Dialogs about mailboxes.

import type { Client, Label, Mailbox, SavedSearch } from "../../gen/webmail";
import { askToSave, attempt, confirm, dialog } from "../../lib/dialogs";
import { el, fill, sign } from "../../lib/dom";
import { bookmark, plus, x } from "../../lib/icons";
import type { pick as Pick } from "../../lib/picker";
import { openSearch } from "../../lib/searched";
import { mailboxName, many, t } from "../../lib/words";
import { toast } from "../../lib/toasts";
import { adopt } from "../../lib/sheets";
import type { Surroundings } from "../commands/desk";
import type { Exported } from "../export/part";
import type * as ExportPart from "../export/part";
import choices from "../choices.css";
import { type Box, type Role, allows, isInbox, nameAtHome } from "../data/mailboxes";
import { parsePlace } from "../state/address";
import { labelPlace } from "../state/labels";
import type { Mail } from "../state/mail";
import type { AllSettings } from "../state/settings";
import type { Drawer } from "../ui/drawer";
import type { MailboxList } from "../ui/mailboxes";
import type { Counts } from "../state/counts";
import sheet from "./mailboxes.css";

adopt(choices);
adopt(sheet);

export const roleNames: readonly (readonly [Role, string])[] = [
  ["draft", t("Drafts")],
  ["sent", t("Sent messages")],
  ["archive", mailboxName("Archive")],
  ["trash", t("Trash")],
  ["junk", t("Junk")],
];

/** Ask before messages are removed; `mixed`: messages of others are selected, too, and stay. True if the user confirms. */
export function confirmDelete(counts: Counts, mixed: boolean): Promise<boolean> {
  const what =
    counts.messages === null
      ? many(
          counts.conversations,
          "{n} conversation will be permanently deleted. You can't undo this.",
          "{n} conversations will be permanently deleted. You can't undo this.",
        )
      : many(
          counts.messages,
          "This message will be permanently deleted. You can't undo this.",
          "{n} messages will be permanently deleted. You can't undo this.",
        );
  const kept = mixed ? ` ${t("Messages in other users' folders won't be deleted.")}` : "";
  return confirm(t("Delete permanently?"), what + kept, t("Delete"));
}

/** Ask for the name of a new folder, and create it: in the user's own account, or in that of the folder `beside`. */
export async function createMailbox(client: Client, beside?: Box): Promise<void> {
  const above = beside === undefined || isInbox(beside) ? "" : `${nameAtHome(beside)}/`;
  await askToSave(t("New folder"), t("Folder name. Use “/” for a subfolder"), above, t("Create"), (name) =>
    attempt(t("Creating…"), t("Couldn't create folder"), () => client.mailbox_create(name, beside?.id ?? 0)),
  );
}

/** The menu of a mailbox. `parent`: it contains others. */
export async function mailboxMenu(
  { client, base, facts, load }: Pick<Surroundings, "client" | "base" | "facts" | "load">,
  mailbox: Box,
  parent: boolean,
): Promise<void> {
  const exporting = async (what: Exported) => (await load<typeof ExportPart>("export")).exportMail(client, base, what);
  const guest = mailbox.owner !== "";
  const fixed = !allows(mailbox, "x") || isInbox(mailbox);
  // mail arrives in a folder with a role, so that is its owner's
  const stays = fixed || (guest && mailbox.roles.length > 0);
  const title = mailboxName(mailbox.name);
  const account = facts().account_path;
  const action = await dialog<"read" | "create" | "rename" | "share" | "roles" | "import" | "export" | "delete">(
    title,
    (close) => [
      el(
        "p",
        { class: "dialog-text" },
        many(mailbox.total, "{n} message, {unread} unread", "{n} messages, {unread} unread", {
          unread: mailbox.unread,
        }),
      ),
      el(
        "div",
        { class: "choices" },
        el(
          "button",
          { disabled: mailbox.unread === 0 || !allows(mailbox, "s"), onclick: () => close("read") },
          t("Mark all as read"),
        ),
        guest && el("button", { disabled: !allows(mailbox, "k"), onclick: () => close("create") }, t("New folder…")),
        el("button", { disabled: fixed, onclick: () => close("rename") }, t("Rename…")),
        account !== "" && !guest && mailbox.home === "" && el("button", { onclick: () => close("share") }, t("Share…")),
        el("button", { disabled: fixed || guest || mailbox.home !== "", onclick: () => close("roles") }, t("Use as…")),
        el("button", { disabled: !allows(mailbox, "i"), onclick: () => close("import") }, t("Import files…")),
        el("button", { disabled: guest, onclick: () => close("export") }, t("Export…")),
        el("button", { disabled: stays, class: "danger", onclick: () => close("delete") }, t("Delete…")),
      ),
    ],
  );
  if (action === "read")
    await attempt(t("Marking as read…"), t("Couldn't mark as read"), () => client.mailboxes_mark_read([mailbox.id]));
  if (action === "create") await createMailbox(client, mailbox);
  if (action === "rename") {
    const before = guest ? nameAtHome(mailbox) : mailbox.name;
    const save = async (name: string) =>
      name === before ||
      attempt(t("Saving…"), t("Couldn't rename folder"), () => client.mailbox_rename(mailbox.id, name));
    await askToSave(t("Rename folder"), t("New name"), before, t("Rename"), save);
  }
  if (action === "share") location.assign(`${account}#shares/${encodeURIComponent(mailbox.name)}`);
  if (action === "import") dispatchEvent(new CustomEvent("importfiles", { detail: mailbox.id }));
  if (action === "export") await exporting({ mailbox: mailbox.name, parent });
  if (action === "roles") await chooseRole(client, mailbox);
  if (action === "delete") {
    const what = guest
      ? many(
          mailbox.total,
          "“{name}” will be deleted, and its message will move to Trash.",
          "“{name}” will be deleted, and its {n} messages will move to Trash.",
          { name: nameAtHome(mailbox) },
        )
      : many(
          mailbox.total,
          "“{name}” and its message will be deleted. You can't undo this.",
          "“{name}” and its {n} messages will be deleted. You can't undo this.",
          { name: mailbox.name },
        );
    if (await confirm(t("Delete this folder?"), what, t("Delete")))
      await attempt(t("Deleting…"), t("Couldn't delete folder"), () => client.mailbox_delete(mailbox.id));
  }
}

async function chooseRole(client: Client, mailbox: Mailbox): Promise<void> {
  const chosen = await dialog<Role[]>(t("Use “{name}” as", { name: mailbox.name }), (close) => [
    el(
      "div",
      { class: "choices" },
      roleNames.map(([role, label]) =>
        el("button", { disabled: mailbox.roles.includes(role), onclick: () => close([role]) }, label),
      ),
      el("button", { disabled: mailbox.roles.length === 0, onclick: () => close([]) }, t("Regular folder")),
    ),
  ]);
  if (chosen !== null)
    await attempt(t("Saving…"), t("Couldn't update folder"), () => client.mailbox_set_special_use(mailbox.id, chosen));
}

/** WEBMAIL-83: offer to give this role to a mailbox, because none of this home has it. `pick` is in another part. */
export async function offerRole(
  client: Client,
  role: Role,
  mailboxes: readonly Box[],
  pick: typeof Pick,
  home = "",
): Promise<void> {
  // below a link, the name makes the role
  const first = `${home}${role[0]!.toUpperCase()}${role.slice(1)}${role === "draft" ? "s" : ""}`;
  const name = home === "" ? (roleNames.find(([known]) => known === role)?.[1] ?? role) : first;
  const free = mailboxes.filter((box) => home === "" && box.home === "" && !isInbox(box) && box.roles.length === 0);
  const chosen = await pick<Box | "new">(
    t("No “{name}” folder set", { name }),
    { label: t("Folder"), hint: t("Folder name"), nothing: t("No matching folders") },
    ["new", ...free],
    (one) => (one === "new" ? t("New folder “{name}”", { name }) : one.name),
    { above: el("p", { class: "dialog-text" }, t("Choose a folder, then try again.")) },
  );
  if (chosen === null) return;
  await attempt(t("Saving…"), t("Couldn't update folder"), async () => {
    const id = chosen === "new" ? await client.mailbox_create(name) : chosen.id;
    if (home === "") await client.mailbox_set_special_use(id, [role]);
  });
}

/** Unread messages by keyword, as the server has counted them last. */
let unread: ReadonlyMap<string, number> = new Map();
/** Milliseconds without changes before the server counts again. */
const countAfter = 1000;
let counting = 0;

/** Count again after a while without changes. */
function countLabels(client: Client, labels: readonly Label[], draw: () => void): void {
  clearTimeout(counting);
  counting = window.setTimeout(() => {
    const keywords = labels.slice(0, 200).map(({ keyword }) => keyword);
    void client.label_counts(keywords).then(
      (found) => {
        unread = new Map(keywords.map((keyword, at) => [keyword, found[at]!]));
        draw();
      },
      // without a connection the numbers stay as they are
      () => null,
    );
  }, countAfter);
}

/** Draw the labels below the mailboxes; `active` is the text of the search that is shown. Messages can be dropped on them. */
function drawLabels(
  root: HTMLElement,
  labels: readonly Label[],
  active: string,
  client: Client,
  opened: () => void,
): void {
  const make = () =>
    askToSave(t("New label"), t("Name"), "", t("Create"), (name) =>
      attempt(t("Creating…"), t("Couldn't create label"), () =>
        client.label_save(name.trim(), (labels.length % 8) + 1),
      ),
    );
  const number = (keyword: string) => {
    const n = unread.get(keyword) ?? 0;
    return n > 0 && el("span", { class: "mailbox-unread", "aria-label": t("{n} unread", { n }) }, t("{n}", { n }));
  };
  const places = new Map<string, HTMLElement>();
  countLabels(client, labels, () => {
    for (const [keyword, place] of places) fill(place, number(keyword));
  });
  fill(
    root,
    el(
      "h2",
      { class: "mailbox-owner" },
      t("Labels"),
      el(
        "button",
        { class: "label-make", title: t("New label"), "aria-label": t("New label"), onclick: () => void make() },
        sign(plus, "i s"),
      ),
    ),
    labels.map(({ name, color, keyword }) => {
      const place = labelPlace(name);
      const here = parsePlace(place).search === active;
      const count = el("span", {}, number(keyword));
      places.set(keyword, count);
      return el(
        "div",
        { class: `mailbox${here ? " active" : ""}`, data: { keyword, name } },
        el(
          "button",
          {
            class: "mailbox-open",
            title: name,
            "aria-current": here ? "page" : undefined,
            onclick: () => {
              opened();
              location.hash = place;
            },
          },
          el("span", { class: `label-dot d${color}`, "aria-hidden": "true" }),
          el("span", { class: "mailbox-name", dir: "auto" }, name),
          count,
        ),
      );
    }),
  );
}

/** What the lists below the mailboxes are made of. */
interface Page {
  readonly client: Client;
  readonly drawer: Drawer;
  readonly mail: Mail;
  readonly mailboxes: MailboxList;
}

/** The saved searches that are shown, and which of them is active. */
let drawn = "";

/** Draw labels and saved searches below the mailboxes; `active` is the text of the search that is shown. */
export function drawLists(page: Page, labels: readonly Label[], active: string): void {
  const { searches } = page.mail.settings.value;
  const opened = () => page.drawer.close();
  if (labels.length > 0) drawLabels(page.mailboxes.labels, labels, active, page.client, opened);
  const next = JSON.stringify([searches, active]);
  // those that have not changed keep the focus
  if (next !== drawn)
    drawSearches(page.mailboxes.searches, searches, active, page.client, () => page.mail.settings.value, opened);
  drawn = next;
}

function drawSearches(
  root: HTMLElement,
  searches: readonly SavedSearch[],
  active: string,
  client: Client,
  settings: () => AllSettings,
  opened: () => void,
): void {
  const save = (wanted: AllSettings["searches"]) =>
    attempt(t("Saving…"), t("Couldn't save search"), () => client.settings_save({ searches: wanted }));
  const forget = (search: SavedSearch) => {
    const before = settings().searches;
    void save(before.filter((one) => one.text !== search.text));
    toast(t("Saved search deleted"), { title: t("Undo"), run: () => void save(before) });
  };
  fill(
    root,
    el("h2", { class: "mailbox-owner" }, t("Searches")),
    searches.map((search) => {
      const remove = t("Delete search {name}", { name: search.name });
      return el(
        "div",
        { class: `mailbox${search.text === active ? " active" : ""}` },
        el(
          "button",
          {
            class: "mailbox-open",
            title: search.text,
            "aria-current": search.text === active ? "page" : undefined,
            onclick: () => {
              opened();
              openSearch(search.text);
            },
          },
          sign(bookmark, "icon"),
          el("span", { class: "mailbox-name", dir: "auto" }, search.name),
        ),
        el(
          "button",
          { class: "mailbox-menu", title: remove, "aria-label": remove, onclick: () => forget(search) },
          sign(x, "i s"),
        ),
      );
    }),
  );
}
