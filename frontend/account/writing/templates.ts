// Templates (WEBMAIL-126): the list, and a page for each.

import type { ShownTemplate } from "../../gen/account";
import { codeOf } from "../../lib/client";
import { attempt } from "../../lib/dialogs";
import { el, fill, isolated } from "../../lib/dom";
import { atFields, differing, field, form, line } from "../../lib/fields";
import { fileText, plus } from "../../lib/icons";
import { button, card, head } from "../../lib/pages";
import { empty } from "../../lib/states";
import { toast } from "../../lib/toasts";
import { byName, meant, t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { openEditor } from "./editor";

export const templates: MakePage = async (desk) => {
  const [id] = desk.path;
  let all = [...(await desk.client.templates())].sort((a, b) => byName(a.name, b.name));
  const chosen = all.find((one) => String(one.id) === id);
  if (chosen !== undefined) return edit(desk, chosen);
  if (id === "new") return edit(desk, { id: 0, name: "", subject: "", text: "", html: "", mark: "" });
  const add = button(t("New template"), () => desk.go("#templates/new"), { icon: plus });
  const list = el("div", {});
  const draw = () =>
    fill(
      list,
      all.length === 0
        ? empty(fileText, t("No templates"), t("You can also save a message that you're writing as a template."), add)
        : el("ul", { class: "lines" }, all.map(row)),
    );
  const row = (one: ShownTemplate) => {
    const name = isolated(one.name);
    return el(
      "li",
      {},
      el("a", { class: "name grow", href: `#templates/${one.id}` }, el("bdi", { dir: "auto" }, name)),
      button(t("Delete"), () => void remove(one), { kind: "line small", name: t("Delete {name}", { name }) }),
    );
  };
  const remove = async (one: ShownTemplate) => {
    if (
      !(await attempt(t("Deleting…"), t("Couldn't delete template"), () =>
        desk.client.template_remove(one.id, one.mark),
      ))
    )
      return;
    all = all.filter((other) => other !== one);
    draw();
    toast(t("“{name}” deleted", { name: isolated(one.name) }), {
      title: t("Undo"),
      run: () =>
        void attempt(t("Restoring…"), t("Couldn't restore template"), async () => {
          await desk.client.template_save({
            id: 0,
            name: one.name,
            subject: one.subject,
            text: one.text,
            html: one.html,
          });
          await desk.refresh();
        }),
    });
  };
  draw();
  const hint = t("You can use {name} and {address} for the first recipient, and {date} for today.");
  const root = el(
    "div",
    { class: "page" },
    head(t("Templates"), hint, all.length > 0 && add),
    card("", list, { flush: true }),
  );
  return { title: t("Templates"), root };
};

/** Whether another template has the name. */
async function taken(desk: Desk, id: number, name: string): Promise<boolean> {
  return (await desk.client.templates()).some((other) => other.name === name && other.id !== id);
}

/** The page of a template: one with formatting has the editor. */
async function edit(desk: Desk, one: ShownTemplate): Promise<{ title: string; root: HTMLElement }> {
  const title = one.id === 0 ? t("New template") : isolated(one.name);
  const name = line(t("Name"), one.name, null, { maxlength: "100", dir: "auto" });
  const subject = line(t("Subject"), one.subject, null, { maxlength: "1000", dir: "auto" });
  const text = field(
    meant("body", "Message"),
    el("textarea", { rows: "8", dir: "auto", maxlength: "200000" }, one.text),
    t("You can use {name} and {address} for the first recipient, and {date} for today."),
  );
  const editor = one.html === "" ? null : await openEditor(desk, one.html);
  if (editor !== null) desk.onLeave(() => editor.close());
  const box = form(
    [
      name.root,
      subject.root,
      editor === null ? text.root : el("div", { class: "template-words" }, editor.tools, editor.root),
    ],
    t("Save"),
    async () => {
      const words =
        editor === null
          ? { text: text.control.value, html: "" }
          : { text: editor.text().trimEnd(), html: editor.html() };
      const now = { ...words, name: name.control.value.trim(), subject: subject.control.value };
      try {
        await desk.client.template_save({ ...differing(one, now), id: one.id }, one.mark);
      } catch (error) {
        if (codeOf(error) !== "user:conflict") atFields(error, { name });
        else if (await taken(desk, one.id, now.name)) name.problem(t("A template with this name already exists."));
        else throw error; // another window has changed it
        return;
      }
      desk.say(t("Saved"));
      desk.go("#templates");
    },
  );
  const above = el("p", { class: "hint" }, el("a", { href: "#templates" }, t("Templates")), " /");
  return { title, root: el("div", { class: "page" }, above, head(title, ""), card("", box.root)) };
}
