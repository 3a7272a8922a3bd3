// The rules that file mail, by the address that it was sent to.

import type { DestinationItem } from "../../gen/account";
import { el } from "../../lib/dom";
import { choice } from "../../lib/fields";
import { filter } from "../../lib/icons";
import { givenRule } from "../../lib/newrule";
import { head } from "../../lib/pages";
import { empty } from "../../lib/states";
import { t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { addressName } from "../ui/program";
import { Rules } from "./rules";

const rules: MakePage = async (desk) => {
  const [all, mailboxes, labels] = await Promise.all([
    desk.client.account_rule_list(),
    desk.client.mailboxes(),
    desk.client.rule_labels(),
  ]);
  const chosen = all.find((one) => one.address === desk.path[0]) ?? all[0];
  if (chosen === undefined)
    return {
      title: t("Rules"),
      root: el(
        "div",
        { class: "page" },
        head(t("Rules"), ""),
        empty(filter, t("No addresses"), t("To create rules, you need an address. This account doesn't have one.")),
      ),
    };
  const editor = new Rules(desk, chosen, { mailboxes: mailboxes.map((one) => one.name), labels });
  const given = givenRule(desk.path[1]);
  if (given !== null) {
    // A reload must not make it again after it was saved.
    history.replaceState(null, "", `#rules/${encodeURIComponent(chosen.address)}`);
    editor.add({ match: given.match, conditions: [...given.conditions] });
  }
  const root = el(
    "div",
    { class: "page" },
    head(t("Rules"), t("Only the first matching rule applies."), all.length > 1 && pick(desk, all, chosen)),
    editor.root,
  );
  return { title: t("Rules"), root };
};

function pick(desk: Desk, all: readonly DestinationItem[], chosen: DestinationItem): HTMLElement {
  const list = choice(
    t("Address"),
    all.map((one) => [one.address, addressName(one)] as const),
    chosen.address,
  );
  list.control.addEventListener("change", () => desk.go(`#rules/${encodeURIComponent(list.control.value)}`));
  return list.root;
}

export const pages: Readonly<Record<string, MakePage>> = { rules };
