// Below the log-in form: the other accounts of this browser, which need no log-in (WEBMAIL-179).

import { accounts, forgetAccount, number, pathOf } from "../../lib/beside";
import { el } from "../../lib/dom";
import { t } from "../../lib/words";

/** The other accounts; nothing without any. The account of a session that has ended can be removed from the list. */
export function otherAccounts(): Node[] {
  const listed = accounts();
  const own = listed.get(number);
  listed.delete(number);
  if (listed.size === 0) return [];
  const [first] = listed.keys();
  const remove = async () => {
    await forgetAccount(number);
    location.assign(pathOf(first!));
  };
  return [
    el(
      "div",
      { class: "login-others" },
      el("p", { class: "hint" }, t("Other accounts in this browser")),
      [...listed].map(([account, address]) =>
        el("a", { class: "btn line", href: pathOf(account) }, el("bdi", { class: "cut" }, address)),
      ),
      own !== undefined &&
        el(
          "button",
          { class: "btn text small", type: "button", onclick: () => void remove() },
          t("Remove {address} from this browser", { address: own }),
        ),
    ),
  ];
}
