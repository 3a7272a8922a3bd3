// Groups of contacts (WEBMAIL-128g): made, renamed, removed, filled and written to.

import type { ContactGroup, ContactItem } from "../../gen/webmail";
import { codeOf } from "../../lib/client";
import { askToSave, attempt, dialog, showError } from "../../lib/dialogs";
import { el, fill, isolated } from "../../lib/dom";
import { openMenu } from "../../lib/menu";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { byName, many, meant, t } from "../../lib/words";
import type { Surroundings, Writing } from "../commands/desk";
import { groupName, starred } from "../people/names";
import { searchField } from "../ui/placeview";
import sheet from "./group.css";

adopt(sheet);

/** Contacts in one call about a group. */
const batch = 500;

type Page = Pick<Surroundings, "client" | "base">;

/** Ask for the name of a group, save it, and say its name to `done`. */
async function named(
  page: Page,
  title: string,
  before: string,
  action: string,
  done: (name: string) => Promise<unknown>,
): Promise<void> {
  let name = "";
  const save = async (typed: string) => {
    if (typed.trim() === "") return false;
    try {
      name = await page.client.contact_group_save(typed.slice(0, 100), before);
      return true;
    } catch (error) {
      const failed = codeOf(error) === "user:conflict" ? t("Choose another name") : t("Couldn't save group");
      await showError(failed, error);
      return false;
    }
  };
  if (await askToSave(title, t("Name"), before, action, save))
    await attempt(t("Saving…"), t("Couldn't change group"), () => done(name));
}

/** Put contacts into a group, or take them out of it. */
async function put(page: Page, ids: readonly number[], group: string, member = true): Promise<void> {
  for (let at = 0; at < ids.length; at += batch)
    await page.client.contacts_group(ids.slice(at, at + batch), group, member);
}

/** Make a group of contacts. */
export const addGroup = (page: Page, ids: readonly number[], done: (name: string) => Promise<unknown>): Promise<void> =>
  named(page, t("New group"), "", t("Create"), async (name) => {
    await put(page, ids, name);
    await done(name);
  });

export const rename = (page: Page, group: string, done: (name: string) => Promise<unknown>): Promise<void> =>
  named(page, t("Rename group"), group, t("Rename"), done);

/** Remove a group, which Undo brings back. */
export async function remove(page: Page, group: string, done: (name: string) => Promise<unknown>): Promise<void> {
  await attempt(t("Deleting…"), t("Couldn't delete group"), async () => {
    const cards = await page.client.contact_group_remove(group);
    await done("");
    toast(t("“{name}” deleted. You'll keep its contacts", { name: isolated(group) }), {
      title: t("Undo"),
      run: () =>
        void attempt(t("Restoring…"), t("Couldn't restore group"), async () => {
          for (const { card, book_id } of cards) await page.client.contact_restore(card, book_id);
          await done(group);
        }),
    });
  });
}

/** Take a contact out of a group, with Undo. */
export async function leave(
  page: Page,
  group: string,
  one: Pick<ContactItem, "id" | "name">,
  again: () => Promise<unknown>,
): Promise<void> {
  const change = (member: boolean) =>
    attempt(t("Saving…"), t("Couldn't change group"), async () => {
      await page.client.contacts_group([one.id], group, member);
      await again();
    });
  if (await change(false))
    toast(t("“{name}” removed from “{group}”", { name: isolated(one.name), group: groupName(group) }), {
      title: t("Undo"),
      run: () => void change(true),
    });
}

/** Choose a group for contacts, in a menu. `inside`: those that a contact is in, and which it leaves when they are chosen; null for
 * several contacts, which join only. */
export function chooseGroup(
  page: Page,
  anchor: HTMLElement,
  ids: readonly number[],
  inside: readonly string[] | null,
  groups: readonly ContactGroup[],
  done: () => Promise<unknown>,
): void {
  const joined = async (group: string) => {
    await done();
    toast(
      many(ids.length, "Contact added to “{group}”", "{n} contacts added to “{group}”", { group: isolated(group) }),
    );
  };
  const change = (group: string) => async () => {
    const member = inside?.includes(group) !== true;
    await attempt(t("Saving…"), t("Couldn't change group"), async () => {
      await put(page, ids, group, member);
      await (member ? joined(group) : done());
    });
  };
  openMenu(anchor, t("Groups"), [
    ...groups
      .map(({ name }) => name)
      .filter((name) => name !== starred)
      .sort(byName)
      .map((name) => ({
        id: "",
        title: isolated(name),
        ...(inside === null ? {} : { checked: () => inside.includes(name) }),
        run: change(name),
      })),
    ...(groups.length > 0 ? [null] : []),
    { id: "", title: t("New group…"), run: () => addGroup(page, ids, joined) },
  ]);
}

/** Write to all who are in a group. */
export async function writeToAll(page: Page & Pick<Writing, "compose">, group: string): Promise<void> {
  const parties = await page.client.group_members(group);
  if (parties.length === 0) toast(t("No one in this group has an email address"));
  else {
    const to = parties.map(({ name, address }) =>
      name === "" || name === address ? address : `"${name.replace(/["\\]/g, "\\$&")}" <${address}>`,
    );
    page.compose("new", `mailto:?to=${encodeURIComponent(to.join(", "))}`);
  }
}

/** Add contacts to a group, found by name or address. */
export async function addPeople(page: Page, group: string, again: () => Promise<unknown>): Promise<void> {
  const list = el("div", { class: "group-found", role: "list", "aria-label": t("Matching contacts") });
  // an answer may be older than what was added since
  const added = new Set<number>();
  let turn = 0;
  const find = async () => {
    const own = ++turn;
    const text = search.input.value.trim();
    const [{ contacts }, { contacts: there }] = await Promise.all([
      page.client.contacts(text),
      page.client.contacts(text, group),
    ]);
    if (own !== turn) return;
    const inside = new Set(there.map(({ id }) => id));
    fill(
      list,
      contacts.map((one) => {
        const name = isolated(one.name);
        const button = el(
          "button",
          {
            class: "btn line small",
            type: "button",
            "aria-label": t("Add “{name}”", { name }),
            onclick: () =>
              void attempt(t("Saving…"), t("Couldn't change group"), async () => {
                await page.client.contacts_group([one.id], group);
                added.add(one.id);
                mark();
                search.input.focus();
                await again();
              }),
          },
          meant("contact", "Add"),
        );
        const mark = () => {
          button.disabled = true;
          button.textContent = meant("contact", "Added");
          button.ariaLabel = t("Added “{name}”", { name });
        };
        if (inside.has(one.id) || added.has(one.id)) mark();
        return el(
          "div",
          { class: "group-person", role: "listitem" },
          el("span", {}, el("bdi", { dir: "auto" }, name), el("small", {}, isolated(one.emails[0] ?? ""))),
          button,
        );
      }),
      contacts.length === 0 && el("p", { class: "hint" }, t("No matching contacts")),
    );
  };
  const load = () => attempt(t("Loading…"), t("Couldn't load contacts"), find);
  const search = searchField(t("Name or address"), () => void load());
  search.input.autofocus = true;
  if (!(await load())) return;
  await dialog<void>(t("Add people to “{group}”", { group: isolated(group) }), (close) => [
    search.root,
    list,
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn primary", type: "button", onclick: () => close() }, t("Done")),
    ),
  ]);
}
