// Who may send from the addresses of an account (SMTP-189), for its user and for the administrator.

import type { DelegateInfo } from "../../gen/account";
import { attempt, confirm, dialog } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { atFields, choice, field, form, line, tick } from "../../lib/fields";
import { plus, users } from "../../lib/icons";
import { button, card, foreign, table } from "../../lib/pages";
import { empty } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { t } from "../../lib/words";

type Sends = "as" | "behalf";

export interface Delegates {
  all: readonly DelegateInfo[];
  set(guest: string, sends: Sends, ends: number, whole: boolean): Promise<unknown>;
  remove(guest: string): Promise<unknown>;
  refresh(): Promise<unknown>;
}

const ways: readonly (readonly [Sends, string])[] = [
  ["behalf", t("this address and the actual sender")],
  ["as", t("this address only")],
];

/** The card with all delegates, and a dialog for one more. */
export function delegatesCard(title: string, hint: string, found: Delegates): HTMLElement {
  const actions = button(t("Add person"), () => void edit(found, null), { icon: plus, kind: "line small" });
  if (found.all.length === 0) return card(title, empty(users, t("Only you can send"), hint), { flush: true, actions });
  const rows = table<DelegateInfo>(
    title,
    [
      { title: t("Person"), kind: "main", cell: (one) => el("b", {}, foreign(one.guest)) },
      { title: t("Recipients see"), cell: (one) => ways.find(([sends]) => sends === one.sends)?.[1] ?? "" },
      { title: t("Folders, calendars, and contacts"), cell: (one) => (one.whole ? t("can edit") : t("not shared")) },
      { title: t("Until"), cell: (one) => (one.ends === null ? "" : when(microseconds(one.ends))) },
      {
        title: "",
        kind: "num",
        cell: (one) => [
          button(t("Edit"), () => void edit(found, one), {
            kind: "line small",
            name: t("Edit {name}", { name: one.guest }),
          }),
          " ",
          button(t("Stop"), () => void end(found, one), {
            kind: "line small",
            name: t("Stop {name} from sending", { name: one.guest }),
          }),
        ],
      },
    ],
    found.all,
  );
  return card(title, rows, { flush: true, actions });
}

async function edit(found: Delegates, one: DelegateInfo | null): Promise<void> {
  const done = await dialog<boolean>(one === null ? t("Add person") : one.guest, (close) => {
    const guest = line(t("Person"), one?.guest ?? "", t("Address or account on this server."), {
      autocapitalize: "none",
    });
    guest.root.hidden = one !== null;
    const sends = choice(t("Recipients see"), ways, one?.sends ?? "behalf");
    const ends = field(t("Until"), el("input", { type: "date" }), t("Leave blank for no end date."));
    ends.control.value = one === null || one.ends === null ? "" : dayOf(one.ends);
    const whole = tick(
      t("Share all folders, calendars, and contacts"),
      one?.whole ?? true,
      t("Access ends on the same date."),
    );
    const box = form([guest.root, sends.root, ends.root, whole.root], t("Save"), async () => {
      try {
        const day = ends.control.value;
        const until = day === "" ? 0 : new Date(`${day}T23:59:59`).getTime() * 1000;
        await found.set(guest.control.value, sends.control.value as Sends, until, whole.control.checked);
        close(true);
      } catch (error) {
        atFields(error, { guest, sends, ends });
      }
    });
    const cancel = el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel"));
    return [box.root, el("div", { class: "dialog-buttons" }, cancel)];
  });
  if (done === true) await found.refresh();
}

async function end(found: Delegates, one: DelegateInfo): Promise<void> {
  const what = t("{name} won't be able to send from this address and will lose access to items shared here.", {
    name: one.guest,
  });
  if (!(await confirm(t("Stop {name} from sending?", { name: one.guest }), what, t("Stop")))) return;
  if (await attempt(t("Saving…"), t("Couldn't save"), () => found.remove(one.guest))) await found.refresh();
}

function dayOf(at: string): string {
  const day = new Date(at);
  return new Date(day.getTime() - day.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}
