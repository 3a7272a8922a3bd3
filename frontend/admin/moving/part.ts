// Other servers from which domains and users move here: mail for addresses that are not here, refused or sent on, and
// the page of the move.

import type { PeerState } from "../../gen/admin";
import { messageOf } from "../../lib/client";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el, fill } from "../../lib/dom";
import { line } from "../../lib/fields";
import { button, card, visible } from "../../lib/pages";
import { notice, state } from "../../lib/states";
import { many, t } from "../../lib/words";
import type { Desk, PagePart } from "../ui/page";
import { fieldDialog } from "../ui/shared";
import { movePage } from "./move";

export const pages: PagePart["pages"] = { move: movePage };

/** This part of the app. */
export interface MovingPart {
  peer(desk: Desk, domain: string): Child;
}

/** The card, filled once the other server has answered, which may take half a minute. */
export function peer(desk: Desk, domain: string): Child {
  const root = el("div");
  const draw = (found: PeerState) => fill(root, found.hosts.length > 0 ? inUse(desk, found) : refused(desk, found));
  const look = async () => {
    fill(root, card(t("Other addresses"), notice("wait", t("Checking whether this domain uses another server…"))));
    try {
      draw(await desk.client.config_domain_peer_show(domain));
    } catch (error) {
      fill(root, card(t("Other addresses"), notice("danger", messageOf(error))));
    }
  };
  void look();
  return root;
}

function refused(desk: Desk, found: PeerState): Child {
  const hosts = found.elsewhere;
  return card(
    t("Other addresses"),
    hosts.length === 0
      ? el("p", { class: "hint" }, t("Mail to unknown addresses is rejected."))
      : [
          notice("warn", t("MX points to another server: {hosts}", { hosts: hosts.join(", ") })),
          el(
            "p",
            { class: "hint" },
            t(
              "To avoid losing mail, forward mail for users who haven't moved yet to that server before you change MX.",
            ),
          ),
        ],
    {
      actions: button(t("Forward…"), () => void set(desk, found), { kind: hosts.length === 0 ? "line" : "primary" }),
    },
  );
}

async function set(desk: Desk, found: PeerState): Promise<void> {
  const hosts = line(
    t("Current mail server"),
    found.elsewhere.join(", "),
    t(
      "Host name. If the name will point to this server later, use the IP address. Separate multiple servers with commas.",
    ),
  );
  const words = t(
    "We'll forward mail for unknown addresses to that server. Make sure the server accepts mail from here.",
  );
  const done = await fieldDialog(
    t("Mail to other addresses at {domain}", { domain: found.domain }),
    t("Forward"),
    { hosts },
    () => desk.client.config_domain_peer_set(found.domain, hosts.control.value.split(/[\s,]+/).filter(Boolean)),
    el("p", { class: "hint" }, words),
  );
  if (done !== null) await desk.refresh();
}

function inUse(desk: Desk, found: PeerState): Child {
  const end = async () => {
    const words = t("Mail to unknown addresses will be rejected.");
    if (!(await confirm(t("Stop forwarding?"), words, t("Stop")))) return;
    if (
      await attempt(t("Saving…"), t("Couldn't stop forwarding"), () => desk.client.config_domain_peer_rm(found.domain))
    )
      await desk.refresh();
  };
  const went = many(
    found.messages,
    "{n} message forwarded in the last 14 days.",
    "{n} messages forwarded in the last 14 days.",
  );
  return card(
    t("Other addresses"),
    el(
      "ul",
      { class: "lines" },
      found.hosts.map((one) =>
        el(
          "li",
          {},
          el(
            "div",
            { class: "grow" },
            el("b", {}, el("bdi", {}, one.host)),
            el("div", { class: "hint" }, one.problem === "" ? one.addresses.join(", ") : visible(one.problem)),
          ),
          one.problem !== ""
            ? state("danger", t("no response"))
            : one.tls
              ? state("ok", t("responding"))
              : state("warn", t("without TLS")),
        ),
      ),
      found.takes_all &&
        el(
          "li",
          {},
          state("warn", t("That server accepts mail for any address, so mistyped addresses won't be rejected.")),
        ),
      el("li", {}, went),
    ),
    {
      flush: true,
      actions: [button(t("Change…"), () => void set(desk, edited(found))), button(t("Stop…"), () => void end())],
      hint: found.disabled
        ? t("This domain is disabled. All mail is forwarded to the old server.")
        : t("Mail to unknown addresses is forwarded to the old server."),
    },
  );
}

const edited = (found: PeerState): PeerState => ({ ...found, elsewhere: found.hosts.map((one) => one.host) });
