// Templates (WEBMAIL-126): inserted where the cursor is, and made from what is written. They are changed and removed in the settings.

import type { Party, ShownTemplate } from "../../gen/webmail";
import type { Command } from "../../lib/commands";
import { askToSave, attempt, confirm } from "../../lib/dialogs";
import { isolated } from "../../lib/dom";
import { openMenu } from "../../lib/menu";
import { toast } from "../../lib/toasts";
import { byName, locale, t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import { around, signatureOf } from "../words/signature";

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

type Page = Pick<Surroundings, "client" | "settings" | "facts">;

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

async function listed(page: Page): Promise<ShownTemplate[]> {
  return [...(await page.client.templates())].sort((a, b) => byName(a.name, b.name));
}

/** Open the menu of templates below this button. */
export async function openTemplates(page: Page, at: HTMLElement, target: Target): Promise<void> {
  let all: ShownTemplate[] = [];
  const loaded = await attempt(t("Loading…"), t("Couldn't load templates"), async () => {
    all = await listed(page);
  });
  if (!loaded) return;
  const command = (id: string, title: string, run: () => void): Command => ({ id: `template.${id}`, title, run });
  const put = (one: ShownTemplate) => {
    if (target.subject === "") target.subject = filled(one.subject, target, String);
    target.insert(filled(one.text, target, String), filled(one.html, target, escaped));
  };
  const { account_path: account } = page.facts();
  // beside this page, in which a message is written
  const manage = () => void open(`${account}#templates`, "_blank", "noopener");
  openMenu(at, t("Templates"), [
    ...all.map((one) => command(String(one.id), isolated(one.name), () => put(one))),
    command("save", t("Save as template…"), () => void saveAs(page, target, all)),
    ...(all.length > 0 && account !== "" ? [command("edit", t("Manage templates…"), manage)] : []),
  ]);
}

async function saveAs(page: Page, target: Target, all: readonly ShownTemplate[]): Promise<void> {
  const { text, html } = written(page, target);
  const save = async (typed: string) => {
    const name = typed.trim();
    const known = all.find((one) => one.name === name);
    if (
      name === "" ||
      (known !== undefined &&
        !(await confirm(
          t("Replace template?"),
          t("A template named “{name}” already exists.", { name: isolated(name) }),
          t("Replace"),
        )))
    )
      return false;
    const one = { id: known?.id ?? 0, name: name.slice(0, 100), subject: target.subject.slice(0, 1000), text, html };
    const saved = await attempt(t("Saving…"), t("Couldn't save template"), () =>
      page.client.template_save(one, known?.mark),
    );
    if (saved) toast(t("Template “{name}” saved", { name: isolated(name) }));
    return saved;
  };
  await askToSave(t("Save as template"), t("Name"), target.subject.slice(0, 100), t("Save"), save);
}
