// The login provider: who logs in to the account by it (WEB-181).

import type { ProviderState } from "../../gen/account";
import { attempt, confirm } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { plus } from "../../lib/icons";
import { button, card, foreign, table } from "../../lib/pages";
import { answered, goAway } from "../../lib/provider";
import { when } from "../../lib/times";
import { t } from "../../lib/words";
import type { Desk } from "../ui/page";

/** The card; null without a provider. A tab that comes back from the provider connects the account first. */
export async function providerCard(desk: Desk): Promise<HTMLElement | null> {
  const { client } = desk;
  const back = answered("connect");
  if (back !== null) {
    const { answer } = back;
    if (await attempt(t("Connecting…"), t("Couldn't connect account"), () => client.provider_connected(answer)))
      desk.say(t("Account connected"));
  }
  const found = await client.provider_state();
  return found.name === "" ? null : built(desk, found);
}

function built(desk: Desk, { name, people }: ProviderState): HTMLElement {
  const connect = () =>
    attempt(t("Connecting…"), t("Couldn't connect account"), async () =>
      goAway("connect", await desk.client.provider_connect()),
    );
  const disconnect = async (subject: string) => {
    const text = t("You'll no longer be able to log in with {name}. You'll be logged out everywhere else.", { name });
    if (!(await confirm(t("Disconnect this login?"), text, t("Disconnect")))) return;
    const end = () => desk.client.provider_disconnect(subject);
    if (await attempt(t("Disconnecting…"), t("Couldn't disconnect login"), end)) await desk.refresh();
  };
  const rows =
    people.length > 0 &&
    table(
      name,
      [
        { title: t("Login"), kind: "main", cell: (one) => foreign(one.subject) },
        { title: t("Since"), cell: (one) => when(one.since) },
        {
          title: "",
          kind: "num",
          cell: (one) => button(t("Disconnect"), () => void disconnect(one.subject), { kind: "line small" }),
        },
      ],
      people,
    );
  return card(
    name,
    [
      el(
        "p",
        { class: "two" },
        t("Connect your account to log in with {name}. Mail apps still need app passwords.", { name }),
      ),
      rows,
    ],
    { actions: button(t("Connect"), () => void connect(), { icon: plus }) },
  );
}
