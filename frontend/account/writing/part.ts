// How mail is written (WEBMAIL-105, WEBMAIL-126): the pages "Signatures and replies" and Templates.

import { attempt } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { choice, form, tick } from "../../lib/fields";
import { button, card, head } from "../../lib/pages";
import { adopt } from "../../lib/sheets";
import { many, t } from "../../lib/words";
import { kept } from "../ui/kept";
import type { Desk, MakePage, Preferences } from "../ui/page";
import { signatures } from "./signatures";
import { templates } from "./templates";
import sheet from "./writing.css";

adopt(sheet);

const writing: MakePage = async (desk) => {
  const { settings, addresses } = await desk.client.preferences();
  const old = settings as Preferences;
  const own = signatures(desk, old, addresses);
  const quoting = choice(
    t("Start replies"),
    [
      ["auto", t("Above the quote, or below selected text")],
      ["top", t("Above the quote")],
      ["bottom", t("Below the quote")],
    ],
    old.quoting,
  );
  const undo = choice(t("Undo send"), undoChoices(old.undo_send_seconds), String(old.undo_send_seconds));
  const bars = tick(t("Check encryption for each recipient"), old.show_address_security);
  const root = el(
    "div",
    { class: "page" },
    head(t("Signatures and replies"), ""),
    card("", form(own.root, t("Save"), () => desk.keep(own.read())).root),
    card(
      "",
      el(
        "div",
        { class: "form" },
        kept(quoting, (back) => desk.keep({ quoting: quoting.control.value as Preferences["quoting"] }, back)),
        kept(undo, (back) => desk.keep({ undo_send_seconds: Number(undo.control.value) }, back)),
        kept(bars, (back) => desk.keep({ show_address_security: bars.control.checked }, back)),
        emailLinks(desk),
      ),
    ),
  );
  return { title: t("Signatures and replies"), root };
};

function undoChoices(now: number): (readonly [string, string])[] {
  const numbers = [...new Set([5, 10, 20, 30, now])].filter((n) => n > 0).sort((a, b) => a - b);
  return [["0", t("Never")], ...numbers.map((n) => [String(n), many(n, "For {n} second", "For {n} seconds")] as const)];
}

/** The button that has this browser open links to addresses in the webmail, where both are at one address. */
function emailLinks({ webmail }: Desk): HTMLElement | null {
  if (webmail === "" || typeof navigator.registerProtocolHandler !== "function") return null;
  const register = () => navigator.registerProtocolHandler("mailto", `${location.origin}${webmail}#compose %s`);
  const run = () => void attempt(t("Saving…"), t("Couldn't set up email links"), async () => register());
  return el("div", {}, button(t("Open email links from web pages here"), run));
}

export const pages: Readonly<Record<string, MakePage>> = { writing, templates };
