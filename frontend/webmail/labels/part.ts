// The dialog of labels (WEBMAIL-84): labels of the selected messages are set and cleared, made while typing, named, coloured and
// removed.

import type { Client, Label, MessageItem } from "../../gen/webmail";
import { anchor } from "../../lib/anchored";
import { attempt, confirm, dialog } from "../../lib/dialogs";
import { type Child, el, fill, sign } from "../../lib/dom";
import { once } from "../../lib/fields";
import { pencil } from "../../lib/icons";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { many, t } from "../../lib/words";
import type { Actions } from "../state/actions";
import { allLabels, chip } from "../state/labels";
import type { Mail } from "../state/mail";
import sheet from "./labels.css";

adopt(sheet);

/** Names of the hues, as the settings number them. */
const colors: readonly string[] = [
  t("No color"),
  t("Red"),
  t("Orange"),
  t("Yellow"),
  t("Green"),
  t("Teal"),
  t("Blue"),
  t("Purple"),
  t("Pink"),
];

/** Set and clear labels of messages, by default the selected ones: the label of this number, or with 0 those that are chosen in the
 * dialog. */
export async function chooseLabels(
  client: Client,
  mail: Mail,
  actions: Actions,
  number: number,
  items: readonly MessageItem[] = mail.choice.selected(),
): Promise<void> {
  const known = allLabels(mail.settings.value.labels, mail.mailboxes.value, items);
  const change = ({ keyword, name }: Label, add: boolean) =>
    actions.flagItems(items, [keyword], add, {
      doing: () => (add ? t("Adding label “{name}”…", { name }) : t("Removing label “{name}”…", { name })),
      done: () => (add ? t("Added label “{name}”", { name }) : t("Removed label “{name}”", { name })),
    });
  const chosen = known[number - 1];
  if (chosen !== undefined) change(chosen, !items.every((item) => item.keywords.includes(chosen.keyword)));
  else if (number === 0) await openDialog(client, known, items, change);
}

/** Ask for the labels of the messages; each is on all, on some, or on no message. `change` is called at once. */
async function openDialog(
  client: Client,
  known: readonly Label[],
  items: readonly MessageItem[],
  change: (label: Label, add: boolean) => void,
): Promise<void> {
  let labels = [...known];
  /** Labels that were set or cleared here; the messages have them later. */
  const changed = new Map<string, boolean>();
  const done = dialog<void>(t("Labels"), (close) => {
    const place = el("div");
    const list = el("div", { class: "labels" });
    const input = el("input", {
      class: "dialog-input",
      "aria-label": t("Find or create label"),
      placeholder: t("Find or create label"),
      autocomplete: "off",
      spellcheck: "false",
      autofocus: true,
      maxlength: "100",
      dir: "auto",
    });
    const make = el("button", { type: "submit", class: "primary", hidden: true }, t("Create"));
    const typed = () => input.value.trim().replace(/\s+/g, " ");
    const same = () => labels.find(({ name }) => name.toLowerCase() === typed().toLowerCase());
    const set = (label: Label, add: boolean) => {
      changed.set(label.keyword, add);
      change(label, add);
    };

    const row = (label: Label): HTMLElement => {
      const having = items.filter((item) => item.keywords.includes(label.keyword)).length;
      const box = el("input", { type: "checkbox" });
      box.checked = changed.get(label.keyword) ?? (having === items.length && having > 0);
      box.indeterminate = !changed.has(label.keyword) && having > 0 && having < items.length;
      box.addEventListener("change", () => set(label, box.checked));
      const edit = t("Edit {name}", { name: label.name });
      const number = known.indexOf(label);
      return el(
        "div",
        { class: "label-row" },
        el(
          "label",
          { class: "check" },
          box,
          chip(label),
          number >= 0 && number < 9 && el("kbd", {}, String(number + 1)),
        ),
        el(
          "button",
          { class: "btn text", type: "button", title: edit, "aria-label": edit, onclick: () => showOne(label) },
          sign(pencil),
        ),
      );
    };
    const draw = () => {
      const wanted = typed().toLowerCase();
      const found = labels.filter(({ name }) => name.toLowerCase().includes(wanted));
      make.hidden = wanted === "" || same() !== undefined;
      const hint =
        labels.length === 0
          ? t("Type a name to create your first label.")
          : t("No matching label. Press Enter to create it.");
      fill(list, found.map(row), found.length === 0 && el("p", { class: "dialog-text" }, hint));
    };
    input.addEventListener("input", draw);
    const submitted = async () => {
      const label = same();
      const name = typed();
      if (label !== undefined) {
        set(label, true);
        close();
      } else if (name !== "") {
        const color = (labels.length % (colors.length - 1)) + 1;
        await attempt(t("Creating…"), t("Couldn't create label"), async () => {
          set(await client.label_save(name, color), true);
          close();
        });
      } else close();
    };
    const form = el(
      "form",
      {
        class: "label-new",
        data: { fleeting: "" },
        onsubmit: (event: Event) => {
          event.preventDefault();
          void submitted();
        },
      },
      input,
      make,
    );
    const showAll = () => {
      fill(
        place,
        form,
        list,
        el("div", { class: "dialog-buttons" }, el("button", { class: "btn", onclick: () => close() }, t("Done"))),
      );
      draw();
      input.focus();
    };

    const showOne = (label: Label) => {
      const name = el("input", {
        class: "dialog-input",
        value: label.name,
        maxlength: "100",
        required: true,
        dir: "auto",
        autocomplete: "off",
      });
      const choices = colors.map((title, color) => {
        const radio = el("input", {
          type: "radio",
          name: "label-color",
          value: String(color),
          class: `c${color}`,
          title,
          "aria-label": title,
        });
        radio.checked = color === label.color;
        return radio;
      });
      const save = async () => {
        const color = choices.findIndex(({ checked }) => checked);
        await attempt(t("Saving…"), t("Couldn't save label"), async () => {
          const saved = await client.label_save(name.value, color, label.keyword);
          labels = labels.map((one) => (one === label ? saved : one));
          showAll();
        });
      };
      const remove = async () => {
        if (
          !(await confirm(
            t("Delete the label “{name}”?", { name: label.name }),
            t("The label will be removed from all messages. Your messages won't be deleted. You can't undo this."),
            t("Delete"),
          ))
        )
          return;
        await attempt(t("Deleting…"), t("Couldn't delete label"), async () => {
          const n = await client.label_remove(label.keyword);
          labels = labels.filter((one) => one !== label);
          toast(
            many(n, "Removed “{name}” from {n} message", "Removed “{name}” from {n} messages", {
              name: label.name,
            }),
          );
          showAll();
        });
      };
      fill(
        place,
        el(
          "form",
          { onsubmit: once(save) },
          el("label", { class: "field" }, t("Name"), name),
          el("fieldset", { class: "label-colors" }, el("legend", {}, t("Color")), choices),
          el(
            "div",
            { class: "dialog-buttons" },
            el("button", { class: "btn line danger", type: "button", onclick: () => void remove() }, t("Delete…")),
            el("button", { class: "btn", type: "button", onclick: showAll }, t("Back")),
            el("button", { class: "btn primary", type: "submit" }, t("Save")),
          ),
        ) satisfies Child,
      );
      name.focus();
    };
    showAll();
    return [place];
  });
  anchor('.toolbar [data-command="message.labels"]', ".toolbar-more");
  await done;
}
