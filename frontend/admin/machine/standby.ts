// The second machine: how far its copy is, and handing over to it on purpose.

import type { SecondMachine } from "../../gen/admin";
import { messageOf } from "../../lib/client";
import { confirm } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { copy } from "../../lib/icons";
import { button, card, copyButton, head, visible } from "../../lib/pages";
import { leave } from "../../lib/reload";
import { empty, notice } from "../../lib/states";
import { t } from "../../lib/words";
import type { Desk } from "../ui/page";

/** Milliseconds between two looks whether the address of the app answers again. */
const period = 3000;

/** The second machine, and handing over to it. */
export async function standbyPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.second_machine();
  const place = el("section", { "aria-live": "polite" });
  const start = button(t("Switch over"), () => void handOver(desk, start, place), { kind: "line danger" });
  const root = el(
    "div",
    { class: "page" },
    head(
      t("Standby server"),
      t("Copies all changes within about a second and can take over at any time."),
      found.lease && start,
    ),
    place,
    found.target === "" ? unset() : shown(found),
  );
  return { title: t("Standby server"), root };
}

function unset(): HTMLElement {
  const text = '[standby]\ntarget = "/mnt/second-disk/moxlite"\nencrypt_to = ["age1..."]';
  return card(
    "",
    empty(
      copy,
      t("No standby server"),
      t(
        "To add one, set a target on another disk, machine, or object storage in moxlite.toml, then restart the server:",
      ),
      el("pre", { class: "zone" }, text),
      copyButton(() => text, t("Copy")),
    ),
  );
}

function shown(found: SecondMachine): HTMLElement[] {
  const words = found.words.map((one) => el("p", {}, visible(one)));
  return [
    notice(found.well ? "ok" : "warn", found.well ? t("All changes copied.") : t("Some changes haven't been copied.")),
    card(t("Status"), words, {
      hint: found.lease
        ? null
        : t(
            "Without standby.lease, automatic failover and switchover aren't available. To fail over, run moxlite standby takeover.",
          ),
    }),
  ];
}

async function handOver(desk: Desk, start: HTMLButtonElement, place: HTMLElement): Promise<void> {
  const agreed = await confirm(
    t("Switch over to the standby server?"),
    t(
      "This server will stop accepting mail, send its latest changes, and shut down. The standby server will take over within seconds, with all mail. If the standby server isn't ready or runs a different version, this server will keep running.",
    ),
    t("Switch over"),
  );
  if (!agreed) return;
  start.disabled = true;
  fill(
    place,
    notice("wait", t("Contacting the standby server and sending the latest changes. This can take up to 1 minute.")),
  );
  try {
    const done = await desk.client.standby_handover();
    fill(
      place,
      notice("wait", [
        el("b", {}, t("{host} is taking over. This server will shut down.", { host: visible(done.host) })),
        " ",
        t("Waiting for this address to respond. If needed, point this address to the standby server."),
      ]),
    );
    wait(desk, place);
  } catch (error) {
    fill(place, notice("danger", [t("Couldn't switch over:"), " ", visible(messageOf(error))]));
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
        t("This address is responding again."),
        button(t("Log in"), () => leave(), { kind: "primary" }),
      ),
    );
  }, period);
  desk.onLeave(() => clearInterval(timer));
}
