// Sending mail on: the addresses, what their owners have answered, and what has become of the mail.

import type { ForwardChange, ForwardForm, Forwards, ForwardTarget } from "../../gen/account";
import { attempt, confirm } from "../../lib/dialogs";
import { el, placed } from "../../lib/dom";
import { atFields, form, line, tick } from "../../lib/fields";
import { forward } from "../../lib/icons";
import { button, card, foreign, head, table } from "../../lib/pages";
import { inWord } from "../../lib/remarks";
import { empty, notice, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { t } from "../../lib/words";
import { kept } from "../ui/kept";
import type { Desk, MakePage } from "../ui/page";

/** Why the owner of an address could not be asked after the last save; shown once. */
let problem = "";

export const forwarding: MakePage = async (desk) => {
  const found = await desk.client.account_forward_list();
  const words = await Promise.all(found.targets.map((one) => inWord({ message: one.error })));
  const targets = found.targets.map((one, place) => ({ ...one, error: words[place]?.message ?? one.error }));
  const title = t("Forwarding");
  const said = problem;
  problem = "";
  const root = el(
    "div",
    { class: "page" },
    head(
      title,
      t("Forward accepted mail, except junk, to your other addresses. Bounces go to the original sender, not to you."),
    ),
    said !== "" && notice("warn", foreign(said)),
    list(desk, { ...found, targets }),
    add(desk, found.form),
    copies(desk, found),
  );
  return { title, root };
};

async function save(desk: Desk, old: ForwardForm, changed: ForwardChange): Promise<void> {
  problem = await desk.client.account_forward_set(changed, old);
  await desk.refresh();
}

function list(desk: Desk, found: Forwards): HTMLElement {
  const title = t("Addresses");
  if (found.targets.length === 0)
    return card(
      title,
      empty(forward, t("Forwarding is off"), t("Add an address below. We'll email a confirmation link to it.")),
      { flush: true },
    );
  const rows = table<ForwardTarget>(
    title,
    [
      {
        title: t("Address"),
        kind: "main",
        cell: (one) =>
          el(
            "span",
            {},
            el("b", {}, foreign(one.address)),
            one.alias !== "" &&
              el("span", { class: "hint" }, el("br"), placed(t("member of {alias}"), { alias: foreign(one.alias) })),
            one.script !== "" &&
              el("span", { class: "hint" }, el("br"), placed(t("in script {name}"), { name: foreign(one.script) })),
            one.ran && el("span", { class: "hint" }, el("br"), t("added by a script")),
          ),
      },
      { title: t("Status"), cell: (one) => told(one) },
      {
        title: "",
        kind: "num",
        cell: (one) =>
          el(
            "span",
            { class: "flex wrap" },
            (one.state === "new" || one.state === "asked") &&
              button(
                t("Resend email"),
                () =>
                  void act(desk, t("Sending…"), t("Couldn't send confirmation email"), () =>
                    desk.client.account_forward_ask(one.address),
                  ),
                {
                  kind: "line small",
                  name: t("Resend email to {address}", { address: one.address }),
                },
              ),
            one.state === "stopped" &&
              button(
                t("Resume"),
                () =>
                  void act(desk, t("Saving…"), t("Couldn't resume forwarding"), () =>
                    desk.client.account_forward_start(one.address),
                  ),
                { kind: "line small", name: t("Resume forwarding to {address}", { address: one.address }) },
              ),
            one.alias === "" &&
              one.script === "" &&
              !one.ran &&
              button(t("Remove"), () => void remove(desk, found.form, one), {
                kind: "line small",
                name: t("Remove {address}", { address: one.address }),
              }),
          ),
      },
    ],
    found.targets,
  );
  return card(title, rows, { flush: true });
}

function told(one: ForwardTarget): HTMLElement {
  const since = one.since === null ? null : [" ", when(microseconds(one.since))];
  const error = one.error === "" ? null : el("span", { class: "hint" }, el("br"), foreign(one.error));
  switch (one.state) {
    case "new":
      return state("off", t("not confirmed, email not sent yet"));
    case "asked":
      return el("span", {}, state("off", t("not confirmed, email sent")), since);
    case "confirmed":
      return one.failing === null
        ? el(
            "span",
            {},
            state("ok", t("forwarding your mail")),
            one.taken_over &&
              el("span", { class: "hint" }, el("br"), t("used by your script before confirmation was required")),
          )
        : el("span", {}, state("warn", t("bouncing since")), " ", when(microseconds(one.failing)), error);
    case "stopped":
      return el("span", {}, state("danger", t("stopped, your mail is kept here")), error);
  }
}

async function act(desk: Desk, doing: string, failed: string, work: () => Promise<unknown>): Promise<void> {
  if (await attempt(doing, failed, work)) await desk.refresh();
}

async function remove(desk: Desk, old: ForwardForm, one: ForwardTarget): Promise<void> {
  if (
    !(await confirm(
      t("Stop forwarding to {address}?", { address: one.address }),
      t("New mail won't be forwarded to this address anymore."),
      t("Stop"),
    ))
  )
    return;
  const rest = old.forward_to.filter((address) => address !== one.address);
  await attempt(t("Saving…"), t("Couldn't stop forwarding"), () =>
    save(desk, old, { forward_to: rest, keep_copy: rest.length === 0 ? true : old.keep_copy }),
  );
}

function add(desk: Desk, old: ForwardForm): HTMLElement {
  const address = line(
    t("Address"),
    "",
    t("We'll email a confirmation link to this address. Forwarding starts when it's confirmed."),
    { inputmode: "email", autocapitalize: "none" },
  );
  const box = form(address.root, t("Add"), async () => {
    const to = address.control.value.trim();
    if (to === "") {
      address.problem(t("Enter an address."));
      return;
    }
    try {
      await save(desk, old, { forward_to: [...old.forward_to, to] });
    } catch (error) {
      atFields(error, { forward_to: address });
    }
  });
  return card(t("Add address"), box.root);
}

function copies(desk: Desk, found: Forwards): HTMLElement | null {
  const old = found.form;
  if (old.forward_to.length === 0) return null;
  const keep = tick(
    t("Keep a copy here"),
    old.keep_copy,
    found.script === ""
      ? t("If forwarding fails, you'll still find the mail here.")
      : t("Your active script {script} decides which mail to keep. To use this setting, turn off the script.", {
          script: found.script,
        }),
  );
  const put = async () => {
    const keep_copy = keep.control.checked;
    await desk.client.account_forward_set({ keep_copy }, old);
    old.keep_copy = keep_copy;
    desk.say(t("Saved"));
  };
  return card(
    t("Copies"),
    kept(keep, (back) => attempt(t("Saving…"), t("Couldn't save settings"), put, back)),
  );
}
