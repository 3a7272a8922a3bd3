// The accounts of this browser in the menu at the top of the side bar (WEBMAIL-179): another one is a page of its own.

import { accounts, forgetAccount, kept, number, pathOf } from "../../lib/beside";
import type { Command } from "../../lib/commands";
import { confirm, showError } from "../../lib/dialogs";
import { locale, many, t } from "../../lib/words";
import type { Desk } from "../commands/desk";

/** Milliseconds in which the server counts what is unread. */
const patience = 10_000;

/** The other accounts with what is unread, and a place for one more. */
export function accountCommands(desk: Desk): (Command | null)[] {
  const listed = accounts();
  const own = desk.facts().login_address;
  const others = [...listed].filter(([account, address]) => account !== number && address !== own);
  const free = ["", ..."1234567"].find((account) => account !== number && !listed.has(account));
  return [
    ...others.map(
      ([account, address]): Command => ({
        id: "app.account-switch",
        title: address,
        beside: () => unread(account),
        run: () => location.assign(pathOf(account)),
      }),
    ),
    ...(free === undefined
      ? []
      : [{ id: "app.account-add", title: t("Add another account…"), run: () => location.assign(pathOf(free)) }]),
    null,
  ];
}

/** The command that ends the sessions of all accounts of this browser; nothing for a single one. */
export function logOutOfAll(desk: Desk): Command[] {
  const others = [...accounts()].filter(([account]) => account !== number);
  if (others.length === 0) return [];
  return [{ id: "app.log-out-all", title: t("Log out of all accounts"), run: () => void leaveAll(desk, others) }];
}

async function leaveAll(desk: Desk, others: readonly [account: string, address: string][]): Promise<void> {
  const asked = t(
    "Mail saved on this device will be deleted. Any offline changes that haven't been sent will be lost.",
  );
  if (!(await confirm(t("Log out of all accounts?"), asked, t("Log out")))) return;
  const left = await Promise.all(
    others.map(async ([account, address]) => {
      const status = await call(account, "logout").then(
        (answer) => answer.status,
        () => 0,
      );
      // 401: the session has ended already
      if (status !== 200 && status !== 401) return address;
      await forgetAccount(account);
      return "";
    }),
  );
  const stays = left.filter((address) => address !== "");
  if (stays.length === 0) desk.logOut();
  else
    await showError(
      t("Couldn't log out"),
      new Error(t("These accounts are still logged in: {addresses}", { addresses: stays.join(", ") })),
    );
}

/** The number of unread messages in the Inbox of an account, in short and in words; "" for none. */
async function unread(account: string): Promise<readonly [short: string, words: string]> {
  const answer = await call(account, "inbox_unread");
  if (answer.status === 401) return [t("logged out"), t("logged out")];
  const { result } = (await answer.json()) as { result: unknown };
  if (typeof result !== "number" || result === 0) return ["", ""];
  return [result.toLocaleString(locale()), many(result, "{n} unread message", "{n} unread messages")];
}

/** Make a call of another account, as its own page makes it. */
function call(account: string, name: string): Promise<Response> {
  return fetch(`${pathOf(account)}api/${name}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-moxlite-csrf": localStorage.getItem(`${kept(account)}-csrf`) ?? "",
    },
    body: "{}",
    signal: AbortSignal.timeout(patience),
  });
}
