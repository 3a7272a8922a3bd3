// Suppressed addresses.

import type { Suppressed } from "../../gen/account";
import { attempt, dialog } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { form, line } from "../../lib/fields";
import { plus, send } from "../../lib/icons";
import { button, card, foreign, head, table } from "../../lib/pages";
import { empty } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { cancelButton } from "./buttons";
import { keys } from "./keys";

const suppressed: MakePage = async (desk) => {
  const title = t("Suppressed addresses");
  const hint = t("We won't send your mail to these addresses because they don't exist or because you added them.");
  const add = button(t("Add address"), () => void suppress(desk), { icon: plus });
  const found = await desk.client.queue_suppress_list();
  return { title, root: el("div", { class: "page" }, head(title, hint, add), list(desk, found)) };
};

function list(desk: Desk, found: readonly Suppressed[]): HTMLElement {
  const rows = table(
    t("Suppressed addresses"),
    [
      { title: t("Address"), kind: "main", cell: (one) => el("b", {}, foreign(one.address)) },
      {
        title: t("Reason"),
        cell: (one) => (one.reason === "" ? (one.manual ? t("added manually") : "") : foreign(one.reason, 160)),
      },
      { title: t("Since"), cell: (one) => when(microseconds(one.created)) },
      {
        title: t("Until"),
        cell: (one) =>
          one.expires === "" ? el("span", { class: "whole" }, t("removed manually")) : when(microseconds(one.expires)),
      },
      {
        title: "",
        kind: "num",
        cell: (one) =>
          button(
            t("Remove"),
            async () => {
              if (
                await attempt(t("Removing…"), t("Couldn't remove address"), () =>
                  desk.client.queue_suppress_remove(one.address),
                )
              )
                await desk.refresh();
            },
            { kind: "line small", name: t("Remove {name}", { name: one.address }) },
          ),
      },
    ],
    found,
  );
  return card("", found.length > 0 ? rows : empty(send, t("No suppressions"), ""), { flush: true });
}

async function suppress(desk: Desk): Promise<void> {
  const done = await dialog<boolean>(t("Suppress an address"), (close) => {
    const address = line(t("Address"), "", null, { inputmode: "email", autofocus: "" });
    const reason = line(t("Reason"), "", t("Only you can see this. Optional."), { maxlength: "300" });
    const box = form([address.root, reason.root], t("Add"), async () => {
      await desk.client.queue_suppress_add(address.control.value, reason.control.value);
      close(true);
    });
    return [box.root, cancelButton(() => close(false))];
  });
  if (done === true) await desk.refresh();
}

export const pages: Readonly<Record<string, MakePage>> = { suppressed, keys };
