// Templates (WEBMAIL-126): inserted where the cursor is, made from what is written; listed, written, changed and removed from a
// message that is written and in the settings.

import type { Party, TemplateForm } from "../../gen/webmail";
import type { Command } from "../../lib/commands";
import { codeOf } from "../../lib/client";
import { ask, attempt, confirm, dialog } from "../../lib/dialogs";
import { el, fill, isolated } from "../../lib/dom";
import { openMenu } from "../../lib/menu";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { byName, locale, t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import type * as RichPart from "../rich/part";
import type { Rich } from "../rich/part";
import type * as SquirePart from "../squire/part";
import { around, signatureOf } from "../words/signature";
import sheet from "./templates.css";

adopt(sheet);

/** The message that is written. */
export interface Target {
  readonly to: readonly Party[];
  readonly from: string;
  subject: string;
  /** What was typed, and its HTML; "" for plain text. */
  readonly typed: string;
  readonly html: string;
  insert(text: string, html: string): void;
}

type Page = Pick<Surroundings, "client" | "settings" | "base" | "load">;

const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The text with the first recipient's name and address, and today's date, in place of their names in braces. */
function filled(text: string, { to }: Target, safe: (text: string) => string): string {
  const [first] = to;
  const values: Record<string, string> = {
    name: first?.name ?? "",
    address: first?.address ?? "",
    date: new Intl.DateTimeFormat(locale(), { dateStyle: "long" }).format(new Date()),
  };
  return text.replace(/\{(name|address|date)\}/g, (whole, name: string) =>
    values[name] === "" ? whole : safe(values[name]!),
  );
}

/** What was written, without the signature. */
function written(page: Page, target: Target): { text: string; html: string } {
  const text = (around(target.typed, signatureOf(page.settings(), target.from))?.[0] ?? target.typed).trimEnd();
  if (target.html === "") return { text, html: "" };
  const body = new DOMParser().parseFromString(target.html, "text/html").body;
  for (const one of body.querySelectorAll(".moxlite-signature, img")) one.remove();
  const serializer = new XMLSerializer();
  return { text, html: [...body.childNodes].map((node) => serializer.serializeToString(node)).join("") };
}

async function listed(page: Page): Promise<TemplateForm[]> {
  return [...(await page.client.templates())].sort((a, b) => byName(a.name, b.name));
}

/** Open the menu of templates below this button. */
export async function openTemplates(page: Page, at: HTMLElement, target: Target): Promise<void> {
  let all: TemplateForm[] = [];
  const loaded = await attempt(t("Loading…"), t("Couldn't load templates"), async () => {
    all = await listed(page);
  });
  if (!loaded) return;
  const command = (id: string, title: string, run: () => void): Command => ({ id: `template.${id}`, title, run });
  const put = (one: TemplateForm) => {
    if (target.subject === "") target.subject = filled(one.subject, target, String);
    target.insert(filled(one.text, target, String), filled(one.html, target, escaped));
  };
  openMenu(at, t("Templates"), [
    ...all.map((one) => command(String(one.id), isolated(one.name), () => put(one))),
    command("save", t("Save as template…"), () => void save(page, target, all)),
    ...(all.length > 0 ? [command("edit", t("Manage templates…"), () => void manage(page))] : []),
  ]);
}

async function save(page: Page, target: Target, all: readonly TemplateForm[]): Promise<void> {
  const { text, html } = written(page, target);
  const name = (await ask(t("Save as template"), t("Name"), target.subject.slice(0, 100), t("Save")))?.trim();
  if (name === undefined || name === "") return;
  const known = all.find((one) => one.name === name);
  if (
    known !== undefined &&
    !(await confirm(
      t("Replace template?"),
      t("A template named “{name}” already exists.", { name: isolated(name) }),
      t("Replace"),
    ))
  )
    return;
  const one = { id: known?.id ?? 0, name: name.slice(0, 100), subject: target.subject.slice(0, 1000), text, html };
  if (await attempt(t("Saving…"), t("Couldn't save template"), () => page.client.template_save(one)))
    toast(t("Template “{name}” saved", { name: isolated(name) }));
}

/** Show all templates in a dialog. */
async function manage(page: Page): Promise<void> {
  const place = el("div", {});
  void attempt(t("Loading…"), t("Couldn't load templates"), () => showTemplates(page, place));
  await dialog<void>(t("Templates"), (close) => [
    place,
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "primary", type: "button", autofocus: true, onclick: () => close() }, t("Done")),
    ),
  ]);
}

/** Show all templates, to write, rename, change and remove them. Fails if they cannot be loaded at first. */
export async function showTemplates(page: Page, place: HTMLElement): Promise<void> {
  const list = el("div", {});
  const show = async () => {
    const all = await listed(page);
    fill(
      list,
      all.length === 0 &&
        el("p", { class: "hint" }, t("No templates yet. To create one, write a message and save it as a template.")),
      all.map((one) => {
        const name = isolated(one.name);
        const button = (words: string, run: () => void) =>
          el("button", { class: "btn line", type: "button", "aria-label": `${words}: ${name}`, onclick: run }, words);
        return el(
          "div",
          { class: "template" },
          el("bdi", { class: "template-name", dir: "auto" }, name),
          button(t("Edit"), () => void change(one)),
          button(t("Remove"), () => void remove(one)),
        );
      }),
    );
  };
  const load = () => attempt(t("Loading…"), t("Couldn't load templates"), show);
  const change = async (one: TemplateForm) => {
    if (await edit(page, one)) await load();
  };
  const remove = async (one: TemplateForm) => {
    if (!(await attempt(t("Deleting…"), t("Couldn't delete template"), () => page.client.template_remove(one.id))))
      return;
    await load();
    toast(t("“{name}” deleted", { name: isolated(one.name) }), {
      title: t("Undo"),
      run: () =>
        void attempt(t("Restoring…"), t("Couldn't restore template"), async () => {
          await page.client.template_save({ ...one, id: 0 });
          await show();
        }),
    });
  };
  const begin = () => void change({ id: 0, name: "", subject: "", text: "", html: "" });
  fill(
    place,
    el("p", { class: "hint" }, t("Use {name} and {address} for the first recipient, and {date} for today.")),
    list,
    el("button", { class: "btn line", type: "button", onclick: begin }, t("New template")),
  );
  await show();
}

/** Edit a template in a dialog, one with formatting by the editor; true if it was saved. */
async function edit(page: Page, one: TemplateForm): Promise<boolean> {
  const input = (value: string, label: string) =>
    el("input", { class: "dialog-input", value, dir: "auto", maxlength: "1000", "aria-label": label });
  const name = input(one.name, t("Name"));
  name.maxLength = 100;
  const subject = input(one.subject, t("Subject"));
  const text = el("textarea", { class: "dialog-input", rows: "8", dir: "auto", maxlength: "200000", value: one.text });
  text.setAttribute("aria-label", t("Text"));
  let editor = null as Rich | null;
  if (one.html !== "") {
    const opened = await attempt(t("Loading…"), t("Couldn't open editor"), async () => {
      const [rich, { Squire }] = await Promise.all([
        page.load<typeof RichPart>("rich"),
        page.load<typeof SquirePart>("squire"),
      ]);
      const none = () => undefined;
      const { client, base } = page;
      editor = rich.openEditor(Squire, one.html, {
        client,
        base,
        changed: none,
        note: none,
        say: none,
        pictures: false,
      });
    });
    if (!opened) return false;
  }
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  const done = await dialog<boolean>(one.id === 0 ? t("New template") : isolated(one.name), (close) => {
    const save = async () => {
      const words =
        editor === null ? { text: text.value, html: "" } : { text: editor.text().trimEnd(), html: editor.html() };
      const form = { ...one, ...words, name: name.value.trim(), subject: subject.value };
      try {
        await page.client.template_save(form);
        close(true);
      } catch (error) {
        problem.hidden = false;
        fill(
          problem,
          codeOf(error) === "user:conflict"
            ? t("A template with this name already exists.")
            : String((error as Error).message),
        );
      }
    };
    return [
      el("label", { class: "field" }, t("Name"), name),
      el("label", { class: "field" }, t("Subject"), subject),
      editor === null
        ? el("label", { class: "field" }, t("Text"), text)
        : el("div", { class: "template-words" }, editor.tools, editor.root),
      problem,
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { type: "button", onclick: () => close(false) }, t("Cancel")),
        el("button", { class: "primary", type: "button", onclick: () => void save() }, t("Save")),
      ),
    ];
  });
  editor?.close();
  return done === true;
}
