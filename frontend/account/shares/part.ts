// Mailboxes shared with others, and those that others share.

import type { Received, ShareInfo, Shares } from "../../gen/account";
import { attempt, confirm } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { atFields, choice, form, line, tick } from "../../lib/fields";
import { users } from "../../lib/icons";
import { button, card, foreign, head, table, visible } from "../../lib/pages";
import { empty } from "../../lib/states";
import { mailboxName, t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { delegatesCard } from "./delegates";

/** Sets of rights with words (RFC 4314 §2.1). */
const levels = [
  ["lr", t("view")],
  ["lrs", t("view and mark as read")],
  ["lrswite", t("view, edit, add, and delete")],
  ["lrswipkxtea", t("full access, including sharing")],
] as const;

function words(rights: string): string {
  const found = levels.find(([letters]) => letters === rights);
  return found === undefined ? t("permissions “{letters}”", { letters: rights }) : found[1];
}

const shares: MakePage = async (desk) => {
  const found = await desk.client.shares();
  const root = el(
    "div",
    { class: "page" },
    head(t("Shared folders"), t("Users on this server will see your shared folders in their mail app and webmail.")),
    given(desk, found),
    add(desk, found),
    delegatesCard(t("People who can send for you"), t("For example, while you're away."), {
      all: found.senders,
      set: (...given) => desk.client.account_delegate_set(...given),
      remove: (guest) => desk.client.account_delegate_rm(guest),
      refresh: () => desk.refresh(),
    }),
    received(found.received),
  );
  return { title: t("Shared folders"), root };
};

function given(desk: Desk, found: Shares): HTMLElement {
  if (found.given.length === 0)
    return card(
      t("Shared by you"),
      empty(users, t("You haven't shared any folders"), t("For example, share a folder with your team or club.")),
      { flush: true },
    );
  const rows = table<ShareInfo>(
    t("Shared by you"),
    [
      { title: t("Folder"), kind: "main", cell: (one) => el("b", {}, foreign(mailboxName(one.mailbox))) },
      {
        title: t("Shared with"),
        cell: (one) => (one.guest === "anyone" ? t("all users on this server") : foreign(one.guest)),
      },
      { title: t("Permissions"), cell: (one) => words(one.rights) },
      {
        title: "",
        kind: "num",
        cell: (one) =>
          button(t("Stop"), () => void end(desk, one), {
            kind: "line small",
            name: t("Stop sharing {mailbox} with {guest}", { mailbox: mailboxName(one.mailbox), guest: one.guest }),
          }),
      },
    ],
    found.given,
  );
  return card(t("Shared by you"), rows, { flush: true });
}

async function end(desk: Desk, one: ShareInfo): Promise<void> {
  if (
    !(await confirm(
      t("Stop sharing?"),
      t("{guest} will lose access to “{mailbox}” right away.", { mailbox: mailboxName(one.mailbox), guest: one.guest }),
      t("Stop sharing"),
    ))
  )
    return;
  if (
    await attempt(t("Saving…"), t("Couldn't stop sharing"), () =>
      desk.client.account_share_set(one.mailbox, one.guest, "", false),
    )
  )
    await desk.refresh();
}

function add(desk: Desk, found: Shares): HTMLElement {
  const mailbox = choice(
    t("Folder"),
    found.mailboxes.map((name) => [name, visible(mailboxName(name))] as const),
    found.mailboxes.find((name) => name === desk.path[0]) ??
      found.mailboxes.find((name) => name !== "Inbox") ??
      "Inbox",
    t("In Sent and Drafts, guests can also see Bcc recipients."),
  );
  const guest = line(t("Shared with"), "", t("Address or account on this server, or “anyone” for all users."), {
    autocapitalize: "none",
  });
  const rights = choice(t("Permissions"), levels, "lr");
  const below = tick(t("Include subfolders"), false, t("New subfolders will always be shared."));
  const box = form(
    [el("div", { class: "fields" }, mailbox.root, guest.root, rights.root), below.root],
    t("Share"),
    async () => {
      try {
        await desk.client.account_share_set(
          mailbox.control.value,
          guest.control.value,
          rights.control.value,
          below.control.checked,
        );
      } catch (error) {
        atFields(error, { mailbox, guest, rights });
        return;
      }
      desk.say(t("Shared"));
      await desk.refresh();
    },
  );
  return card(t("Share folder"), box.root);
}

function received(all: readonly Received[]): HTMLElement {
  if (all.length === 0) return card(t("Shared with you"), el("p", { class: "hint" }, t("No shared folders")));
  const rows = table<Received>(
    t("Shared with you"),
    [
      { title: t("Folder"), kind: "main", cell: (one) => el("b", {}, foreign(mailboxName(one.mailbox))) },
      { title: t("Owner"), cell: (one) => foreign(one.owner) },
      { title: t("Permissions"), cell: (one) => words(one.rights) },
    ],
    all,
  );
  return card(t("Shared with you"), rows, {
    flush: true,
    hint: t("In mail apps, you'll find them under “Other Users”."),
  });
}

export const pages: Readonly<Record<string, MakePage>> = { shares };
