// Sieve scripts: the list, the editor that checks as one types, and errors when scripts ran.

import type { Script, ScriptFault, Scripts } from "../../gen/account";
import { askToSave, attempt, confirm } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { atFields, field, form, line, tick } from "../../lib/fields";
import { fileText, plus } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { button, card, foreign, head, table } from "../../lib/pages";
import { inWord } from "../../lib/remarks";
import { empty, notice, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { t } from "../../lib/words";
import { applyToExisting } from "../ui/applying";
import type { Desk, MakePage } from "../ui/page";

/** Milliseconds without a key until the text is checked. */
const pause = 500;
const start = 'require ["fileinto"];\n\nif header :contains "subject" "invoice" {\n    fileinto "invoices";\n}\n';

export const scripts: MakePage = async (desk) => {
  const [name] = desk.path;
  if (name !== undefined && name !== "")
    return editor(desk, name === "new" && desk.path[1] === undefined ? null : desk.path.slice(-1)[0]!);
  const found = await desk.client.script_list();
  const title = t("Sieve scripts");
  const applied = el("div", { role: "status" });
  const hint = t(
    "Write your own rules in Sieve. The active script runs after your address rules. Mail apps can also edit scripts over ManageSieve.",
  );
  return {
    title,
    root: el("div", { class: "page" }, head(title, hint), list(desk, found, applied), applied, await failures(found)),
  };
};

function address(name: string): string {
  return `#scripts/edit/${encodeURIComponent(name)}`;
}

function list(desk: Desk, found: Scripts, applied: HTMLElement): HTMLElement {
  const add = button(t("New script"), () => desk.go("#scripts/new"), {
    icon: plus,
    kind: found.scripts.length === 0 ? "primary" : "line",
  });
  if (found.scripts.length === 0)
    return card(
      t("Scripts"),
      empty(fileText, t("No scripts"), t("For most tasks, you can use address rules instead."), add),
      { flush: true },
    );
  const rows = table<Script>(
    t("Scripts"),
    [
      {
        title: t("Name"),
        kind: "main",
        cell: (one) =>
          el(
            "span",
            {},
            el("a", { href: address(one.name) }, foreign(one.name)),
            one.active && [" ", state("ok", t("active"))],
          ),
      },
      { title: t("Size"), cell: (one) => size(one.size) },
      { title: t("Changed"), cell: (one) => when(one.changed) },
      {
        title: "",
        kind: "num",
        cell: (one) =>
          el(
            "span",
            { class: "flex wrap" },
            button(
              one.active ? t("Turn off") : t("Activate"),
              () => void act(desk, () => desk.client.account_sieve_activate(one.active ? "" : one.name)),
              {
                kind: "line small",
                name: one.active ? t("Turn off {name}", { name: one.name }) : t("Activate {name}", { name: one.name }),
              },
            ),
            button(
              t("Apply"),
              () => void applyToExisting(desk, applied, "Inbox", (after) => desk.client.script_count(one.name, after)),
              { kind: "line small", name: t("Apply {name} to existing mail", { name: one.name }) },
            ),
            button(t("Rename"), () => void rename(desk, one), {
              kind: "line small",
              name: t("Rename {name}", { name: one.name }),
            }),
            !one.active &&
              button(t("Delete"), () => void remove(desk, one), {
                kind: "line small",
                name: t("Delete {name}", { name: one.name }),
              }),
          ),
      },
    ],
    found.scripts,
  );
  return card(t("Scripts"), rows, { flush: true, actions: add });
}

const change = (work: () => Promise<unknown>): Promise<boolean> =>
  attempt(t("Saving…"), t("Couldn't update scripts"), work);

async function act(desk: Desk, work: () => Promise<unknown>): Promise<void> {
  if (await change(work)) await desk.refresh();
}

async function rename(desk: Desk, one: Script): Promise<void> {
  const save = async (name: string) =>
    name === one.name || change(() => desk.client.account_sieve_rename(one.name, name));
  if (await askToSave(t("Rename script"), t("Name"), one.name, t("Rename"), save)) await desk.refresh();
}

async function remove(desk: Desk, one: Script): Promise<void> {
  if (
    await confirm(t("Delete “{name}”?", { name: one.name }), t("The script will be permanently deleted."), t("Delete"))
  )
    await act(desk, () => desk.client.account_sieve_rm(one.name, one.changed));
}

async function failures(found: Scripts): Promise<HTMLElement | null> {
  if (found.failures.length === 0) return null;
  const texts = await Promise.all(found.failures.map((one) => inWord(one.text)));
  const lines = found.failures.map((one, at) => {
    const place = one.line > 0 ? t("{script}, line {line}", { script: one.script, line: one.line }) : one.script;
    return el(
      "li",
      {},
      state("warn", ""),
      el(
        "span",
        { class: "grow" },
        foreign(texts[at]!.message),
        place !== "" && el("span", { class: "hint" }, el("br"), foreign(place)),
      ),
      el("span", { class: "muted" }, when(microseconds(one.moment))),
    );
  });
  return card(t("Script errors"), el("ul", { class: "lines" }, lines), {
    flush: true,
    hint: t("You'll find these messages in your Inbox."),
  });
}

async function editor(desk: Desk, name: string | null): Promise<{ title: string; root: HTMLElement }> {
  const old = name === null ? null : await desk.client.account_sieve_get(name);
  const known = name === null ? null : (await desk.client.script_list()).scripts.find((one) => one.name === name);
  const called = line(t("Name"), "", null, { maxlength: "128" });
  const area = el("textarea", {
    class: "code",
    rows: 18,
    spellcheck: "false",
    autocapitalize: "none",
    autocomplete: "off",
    wrap: "off",
  });
  area.value = old ?? start;
  const text = field(t("Script"), area);
  const activate = tick(t("Use as active script"), known?.active ?? true);
  const verdict = el("div", { class: "gap", "aria-live": "polite" });
  let timer = 0;
  let asked = 0;
  const check = async () => {
    const mine = ++asked;
    let faults: ScriptFault[];
    try {
      faults = await desk.client.script_check(area.value);
    } catch {
      return; // the next key, or saving, asks again
    }
    if (mine === asked) fill(verdict, judged(faults, area));
  };
  area.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void check(), pause);
  });
  area.addEventListener("keydown", (event) => indent(event, area));
  desk.onLeave(() => clearTimeout(timer));
  await check();
  const box = form(
    [name === null && called.root, text.root, verdict, !(known?.active ?? false) && activate.root],
    t("Save"),
    async () => {
      try {
        await desk.client.account_sieve_put(name ?? called.control.value, area.value, activate.control.checked, old);
      } catch (error) {
        atFields(error, { text });
        return;
      }
      desk.say(t("Script saved"));
      desk.go("#scripts");
    },
  );
  const title = name === null ? t("New script") : name;
  const back = el("a", { class: "btn text", href: "#scripts" }, t("All scripts"));
  return {
    title: t("Sieve scripts"),
    root: el("div", { class: "page" }, head(name === null ? title : foreign(title), "", back), card("", box.root)),
  };
}

/** Faults as links that put the cursor to their place. */
function judged(faults: readonly ScriptFault[], area: HTMLTextAreaElement): HTMLElement {
  if (faults.length === 0) return notice("ok", t("Script is valid."));
  const items = faults.map((one) =>
    el(
      "li",
      {},
      el(
        "button",
        { class: "btn text small", type: "button", onclick: () => jump(area, one) },
        t("Line {line}, column {column}", { line: one.line, column: one.column }),
      ),
      " ",
      foreign(one.text),
    ),
  );
  return notice("danger", el("ul", { class: "faults" }, items));
}

/** Put the cursor to a fault; columns count characters, not units of UTF-16. */
function jump(area: HTMLTextAreaElement, fault: ScriptFault): void {
  const lines = area.value.split("\n");
  const before = lines.slice(0, fault.line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const column = [...(lines[fault.line - 1] ?? "")].slice(0, fault.column - 1).join("").length;
  area.focus();
  area.setSelectionRange(before + column, before + column);
}

/** Enter keeps the indentation of the line. Tab leaves the field, as in all forms. */
function indent(event: KeyboardEvent, area: HTMLTextAreaElement): void {
  if (event.key !== "Enter" || event.isComposing || event.shiftKey) return;
  const before = area.value.slice(0, area.selectionStart);
  const spaces = /^[ \t]*/.exec(before.slice(before.lastIndexOf("\n") + 1))![0];
  if (spaces === "") return;
  event.preventDefault();
  area.setRangeText(`\n${spaces}`, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input"));
}
