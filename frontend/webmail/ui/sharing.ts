// With whom a calendar or an address book is shared (WEBMAIL-128a, DAV-41).

import type { CollectionGuest } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { el, fill, isolated } from "../../lib/dom";
import { atFields, choice, form, line } from "../../lib/fields";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import sheet from "./sharing.css";

adopt(sheet);

type Rights = "" | "read" | "change";

/** With whom something is shared, and a form for one more. `share` gives or takes rights, `guests` asks who has some. */
export function sharing(
  first: readonly CollectionGuest[],
  guests: () => Promise<readonly CollectionGuest[]>,
  share: (guest: string, rights: Rights) => Promise<void>,
): HTMLElement {
  const list = el("ul", { class: "sharing-guests" });
  const levels = [
    ["read", t("can view")],
    ["change", t("can edit")],
  ] as const;
  const set = async (guest: string, rights: Rights) => {
    await share(guest, rights);
    draw(await guests());
  };
  const draw = (found: readonly CollectionGuest[]) =>
    fill(
      list,
      found.map(({ account, name, writable }) => {
        const shown = account === "anyone" ? t("all users on this server") : isolated(name || account);
        const rights = el(
          "select",
          { class: "dialog-input", "aria-label": t("Permissions for {name}", { name: shown }) },
          levels.map(([value, words]) => el("option", { value }, words)),
        );
        rights.value = writable ? "change" : "read";
        rights.addEventListener(
          "change",
          () => void attempt(t("Saving…"), t("Couldn't update sharing"), () => set(account, rights.value as Rights)),
        );
        const end = t("Stop sharing with {name}", { name: shown });
        return el(
          "li",
          {},
          el("bdi", { dir: "auto" }, shown),
          rights,
          el(
            "button",
            {
              class: "btn line",
              type: "button",
              "aria-label": end,
              title: end,
              onclick: () => void attempt(t("Saving…"), t("Couldn't update sharing"), () => set(account, "")),
            },
            t("Stop"),
          ),
        );
      }),
    );
  draw(first);
  const guest = line(t("Shared with"), "", t("Address or account on this server, or “anyone” for all users."), {
    autocapitalize: "none",
    class: "dialog-input",
  });
  const rights = choice(t("Permissions"), levels, "read");
  rights.control.className = "dialog-input";
  const add = form(
    [guest.root, rights.root],
    t("Share"),
    async () => {
      try {
        await set(guest.control.value, rights.control.value as Rights);
      } catch (error) {
        atFields(error, { guest, rights });
        return;
      }
      guest.control.value = "";
    },
    "line",
  );
  return el("section", { class: "sharing" }, el("h3", {}, t("Shared with")), list, add.root);
}
