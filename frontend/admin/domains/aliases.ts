// Aliases of a domain: the list, and the page of one.

import type { AliasRow, DomainDetail } from "../../gen/admin";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { type Field, field, line } from "../../lib/fields";
import { plus, trash2 } from "../../lib/icons";
import { button, card, foreign, iconButton, table } from "../../lib/pages";
import { notice } from "../../lib/states";
import { many, t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { fieldDialog, settingsForm } from "../ui/shared";

export function aliases(desk: Desk, found: DomainDetail): HTMLElement {
  const name = found.row.domain;
  const open = (row: AliasRow) => addressOf("domains", [name, "aliases", row.localpart], { tab: "aliases" });
  const list = table<AliasRow>(
    t("Aliases"),
    [
      {
        title: t("Alias"),
        kind: "main",
        cell: (row) => [
          el("a", { href: open(row) }, el("b", {}, row.address)),
          row.alike && el("div", { class: "hint" }, t("Looks like {address}", { address: row.alike })),
        ],
      },
      { title: t("Members"), cell: (row) => foreign(row.members.join(", "), 200) },
      { title: t("Posting permission"), cell: (row) => (row.post_public ? t("anyone") : t("members")) },
      {
        title: "",
        kind: "top",
        cell: (row) =>
          iconButton(t("Delete {alias}", { alias: row.address }), trash2, () => void removeAlias(desk, row)),
      },
    ],
    found.aliases,
  );
  return card(
    t("Aliases"),
    found.aliases.length === 0
      ? el("p", { class: "hint" }, t("No aliases yet. An alias delivers mail to several other addresses."))
      : list,
    {
      flush: true,
      actions: button(t("Add alias"), () => void addAlias(desk, name), { icon: plus, kind: "line small" }),
    },
  );
}

/** Ask for an alias of a domain with its members, and add it. */
export async function addAlias(desk: Desk, domain: string): Promise<void> {
  const address = line(t("Alias address"), `@${domain}`, null, { inputmode: "email" });
  const members = membersField();
  const done = await fieldDialog(
    t("Add alias"),
    t("Add alias"),
    { alias: address, members },
    () => desk.client.config_alias_add(address.control.value, lines(members.control)).then(() => true),
    el("p", { class: "hint" }, t("Anyone can post to a new alias. Members don't get copies of their own messages.")),
  );
  if (done !== null) await desk.refresh();
}

const membersField = (): Field<HTMLTextAreaElement> =>
  field(
    t("Members"),
    el("textarea", {}),
    t(
      "One address per line. At least one must be on this server. We'll email a confirmation link to addresses on other servers.",
    ),
  );

const lines = (area: HTMLTextAreaElement) => area.value.split(/[\s,]+/).filter((one) => one !== "");

async function removeAlias(desk: Desk, row: AliasRow): Promise<void> {
  if (
    !(await confirm(
      t("Delete {alias}?", { alias: row.address }),
      many(
        row.members.length,
        "New mail to this alias will be rejected. {n} member will keep existing messages.",
        "New mail to this alias will be rejected. {n} members will keep existing messages.",
      ),
      t("Delete"),
    ))
  )
    return;
  if (!(await attempt(t("Deleting…"), t("Couldn't delete alias"), () => desk.client.config_alias_rm(row.address))))
    return;
  desk.go(addressOf("domains", [row.address.slice(row.address.lastIndexOf("@") + 1)], { tab: "aliases" }));
}

export async function aliasPage(desk: Desk, found: DomainDetail, localpart: string): Promise<Child> {
  const row = found.aliases.find((one) => one.localpart === localpart);
  if (row === undefined) return notice("warn", t("This alias no longer exists."));
  const drop = async (member: string) => {
    if (
      await attempt(t("Removing…"), t("Couldn't remove member"), () =>
        desk.client.config_alias_rmaddr(row.address, [member]),
      )
    )
      await desk.refresh();
  };
  const add = async () => {
    const members = membersField();
    if (
      (await fieldDialog(t("Add members"), t("Add"), { members }, () =>
        desk.client.config_alias_addaddr(row.address, lines(members.control)).then(() => true),
      )) !== null
    )
      await desk.refresh();
  };
  const members = table<string>(
    t("Members"),
    [
      { title: t("Member"), kind: "main", cell: (one) => el("bdi", {}, one) },
      {
        title: "",
        kind: "top",
        cell: (one) => iconButton(t("Remove {member}", { member: one }), trash2, () => void drop(one)),
      },
    ],
    row.members,
  );
  return [
    card(row.address, members, {
      flush: true,
      actions: [
        button(t("Add members"), () => void add(), { icon: plus, kind: "line small" }),
        button(t("Delete alias…"), () => void removeAlias(desk, row), { kind: "line small danger" }),
      ],
    }),
    card(t("Options"), await settingsForm(desk, ["domains", found.row.domain, "aliases", localpart]), {
      hint: t(
        "To reject mail from non-members, turn off “post public”. To send members copies of their own messages, turn on “deliver to sender”.",
      ),
    }),
  ];
}
