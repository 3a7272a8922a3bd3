// The second machine: how far its copy is, and handing over to it on purpose.

import type { SecondMachine } from "../../gen/admin";
import { messageOf } from "../../lib/client";
import { confirm } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { copy } from "../../lib/icons";
import { button, card, copyButton, head, visible } from "../../lib/pages";
import { empty, notice } from "../../lib/states";
import { t } from "../../lib/words";
import type { Desk } from "../ui/page";

/** Milliseconds between two looks whether the address of the app answers again. */
const period = 3000;

/** The second machine, and handing over to it. */
export async function standbyPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.second_machine();
  const place = el("section", { "aria-live": "polite" });
  const start = button(t("Hand over"), () => void handOver(desk, start, place), { kind: "line danger" });
  const root = el(
    "div",
    { class: "page" },
    head(t("Second machine"), t("It gets each change within about a second, and can take over."), found.lease && start),
    place,
    found.target === "" ? unset() : shown(found),
  );
  return { title: t("Second machine"), root };
}

function unset(): HTMLElement {
  const text = '[standby]\ntarget = "/mnt/second-disk/moxlite"\nencrypt_to = ["age1..."]';
  return card(
    "",
    empty(
      copy,
      t("There is no second machine"),
      t("Set a target on another disk, machine or object storage in moxlite.toml, then start the server again:"),
      el("pre", { class: "zone" }, text),
      copyButton(() => text, t("Copy")),
    ),
  );
}

function shown(found: SecondMachine): HTMLElement[] {
  const words = found.words.map((one) => el("p", {}, visible(one)));
  return [
    notice(
      found.well ? "ok" : "warn",
      found.well ? t("All changes are copied to it.") : t("Not all changes are copied to it."),
    ),
    card(t("Status"), words, {
      hint: found.lease
        ? null
        : t(
            "Without standby.lease it does not take over by itself, and cannot be handed to: moxlite standby takeover.",
          ),
    }),
  ];
}

async function handOver(desk: Desk, start: HTMLButtonElement, place: HTMLElement): Promise<void> {
  const agreed = await confirm(
    t("Hand over to the second machine?"),
    t(
      "This server takes no more mail, sends its last changes, and ends. The second machine serves some seconds later, with all mail. Nothing happens if that one is not ready, or has another version.",
    ),
    t("Hand over"),
  );
  if (!agreed) return;
  start.disabled = true;
  fill(
    place,
    notice("wait", t("Asking the second machine, then sending the last changes. This takes up to a minute.")),
  );
  try {
    const done = await desk.client.standby_handover();
    fill(
      place,
      notice("wait", [
        el("b", {}, t("{host} takes over now, and this server ends.", { host: visible(done.host) })),
        " ",
        t("Waiting until this address answers again. Let it lead to the second machine, if it does not."),
      ]),
    );
    wait(desk, place);
  } catch (error) {
    fill(place, notice("danger", [t("Not handed over:"), " ", visible(messageOf(error))]));
    start.disabled = false;
  }
}

/** Look until a server answers, after this one has ended. */
function wait(desk: Desk, place: HTMLElement): void {
  const timer = setInterval(async () => {
    const answered = await fetch(location.pathname, { cache: "no-store" }).then(
      (response) => response.ok,
      () => false,
    );
    if (!answered || !desk.shown()) return;
    clearInterval(timer);
    fill(
      place,
      notice(
        "ok",
        t("This address answers again."),
        button(t("Log in there"), () => location.reload(), { kind: "primary" }),
      ),
    );
  }, period);
  desk.onLeave(() => clearInterval(timer));
}
