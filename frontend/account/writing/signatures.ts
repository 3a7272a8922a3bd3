// Signatures: of all addresses, and of single ones.

import { attempt } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import type { Keep } from "../../lib/unsaved";
import { t } from "../../lib/words";
import type { Rich } from "../../webmail/rich/part";
import type { Desk, Preferences } from "../ui/page";
import { openEditor } from "./editor";

/** A signature as plain text, and as HTML for messages with formatting; `html` is "" for the text there, too. */
interface Signature {
  text: string;
  html: string;
}

/** The signature of all addresses, and of single ones: the user chooses whose is in the field. */
export function signatures(
  desk: Desk,
  old: Preferences,
  own: readonly string[],
): { root: HTMLElement; read: () => Pick<Preferences, "signature" | "signature_html" | "signatures"> } {
  const all = new Map<string, Signature>(
    own.map((address) => {
      const found = old.signatures.find((one) => one.address === address);
      return [address, { text: found?.text ?? "", html: found?.html ?? "" }];
    }),
  );
  all.set("", { text: old.signature, html: old.signature_html });
  let chosen = "";
  let editor: Rich | null = null;
  /** The HTML of the editor before the user changes it. */
  let begun = "";
  /** Counts what was shown: an editor that comes late is for another signature. */
  let turn = 0;
  const input = el("textarea", {
    class: "input",
    rows: "4",
    dir: "auto",
    maxlength: "20000",
    id: "signature",
  });
  const label = el("label", { for: "signature" });
  const chips = el("div", { class: "flex wrap" });
  const place = el("div", {}, input);
  const format = el("input", { type: "checkbox", onchange: () => void toggle() });
  /** Show the editor for this HTML. */
  const edit = async (html: string) => {
    const own = ++turn;
    const opened = await openEditor(desk, html);
    if (own !== turn) {
      opened.close();
      return;
    }
    editor = opened;
    begun = editor.html();
    editor.root.setAttribute("aria-label", label.textContent);
    input.hidden = true;
    place.append(el("div", { class: "template-words" }, editor.tools, editor.root));
  };
  const draw = () => {
    const { text, html } = all.get(chosen)!;
    label.textContent = chosen === "" ? t("Signature") : t("Signature for {address}", { address: chosen });
    input.value = text;
    input.hidden = false;
    turn++;
    editor?.close();
    editor = null;
    fill(place, input);
    format.checked = html !== "";
    if (html !== "") void attempt(t("Loading…"), t("Couldn't open editor"), () => edit(html));
    fill(
      chips,
      own.length > 1 &&
        ["", ...own].map((address) =>
          el(
            "button",
            {
              class: "btn line small",
              type: "button",
              "aria-pressed": String(address === chosen),
              onclick: () => choose(address),
            },
            address === "" ? t("All addresses") : address,
          ),
        ),
    );
  };
  const keep = () => {
    if (editor?.html() === begun && all.get(chosen)!.html !== "") return;
    if (editor !== null) all.set(chosen, { text: editor.text().trimEnd(), html: editor.html() });
    else if (!format.checked) all.set(chosen, { text: input.value.replace(/\r\n?/g, "\n"), html: "" });
  };
  const toggle = async () => {
    if (format.checked)
      await attempt(t("Loading…"), t("Couldn't open editor"), () =>
        edit(
          all
            .get(chosen)!
            .text.split("\n")
            .map((line) => `<div>${line.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`) || "<br>"}</div>`)
            .join(""),
        ),
      );
    else {
      keep();
      all.set(chosen, { text: all.get(chosen)!.text, html: "" });
      draw();
    }
  };
  const choose = (address: string) => {
    keep();
    chosen = address;
    draw();
    chips.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus();
  };
  desk.onLeave(() => {
    turn++;
    editor?.close();
    editor = null;
  });
  draw();
  const root = el(
    "div",
    { class: "field signatures", data: { kept: "" } },
    chips,
    label,
    place,
    el("label", { class: "check" }, format, t("Use formatting")),
    el("p", { class: "hint" }, t("Added below your message. You can have a different signature for each address.")),
  );
  root.addEventListener("keep", (event) => {
    const { detail } = event as Keep<[string, Signature][]>;
    keep();
    if (detail.value === undefined) detail.value = [...all];
    else {
      for (const [address, one] of detail.value) if (all.has(address)) all.set(address, one);
      draw();
    }
  });
  return {
    root,
    read: () => {
      keep();
      const { text, html } = all.get("")!;
      // an empty one that was there, as programs set it, stays: "none" is not "as for all addresses"
      const none = new Set(old.signatures.filter((one) => one.text === "").map((one) => one.address));
      const single = [...all].filter(([address, one]) => address !== "" && (one.text !== "" || none.has(address)));
      return {
        signature: text,
        signature_html: html,
        signatures: single.map(([address, one]) => ({ address, ...one })),
      };
    },
  };
}
