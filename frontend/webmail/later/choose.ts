// Choosing a time: one of some, by words, or in the calendar of the browser.

import { dialog } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import { moment } from "../../lib/times";
import { locale, t } from "../../lib/words";
import choices from "../choices.css";
import sheet from "./later.css";
import { fieldValue, momentOf, suggestions } from "./times";

adopt(choices);
adopt(sheet);

const day = 86_400_000;

/** A moment in words, with the day of the week where it is more than a day ahead. */
export function inWords(at: Date): string {
  const ahead = at.getTime() - Date.now();
  const text = moment(at.getTime() * 1000);
  if (ahead < 2 * day && /\d:\d/.test(text)) return text;
  return at.toLocaleString(locale(), {
    weekday: "short",
    day: "numeric",
    month: "short",
    ...(ahead > 300 * day && { year: "numeric" }),
    hour: "numeric",
    minute: "2-digit",
  });
}

/** A time that is chosen, and whether the other way was, which `also` names. */
export interface Chosen {
  readonly at: Date;
  readonly also: boolean;
}

/** Ask for a time within the next `days`. `also` offers another meaning of the time, as a box that is ticked or not. */
export async function chooseTime(
  title: string,
  action: string,
  days: number,
  also = "",
  ticked = false,
): Promise<Chosen | null> {
  return dialog<Chosen>(title, (close) => {
    const now = new Date();
    const box = el("input", { type: "checkbox", checked: ticked });
    const words = el("input", {
      class: "dialog-input",
      autocomplete: "off",
      maxlength: "80",
      placeholder: t("tomorrow 9:00, in 3 hours, Friday evening…"),
      "aria-label": t("Type a time"),
    });
    const calendar = el("input", {
      class: "dialog-input",
      type: "datetime-local",
      min: fieldValue(now),
      max: fieldValue(new Date(now.getTime() + days * day)),
      "aria-label": t("Date and time"),
    });
    const said = el("p", { class: "later-said", role: "status" });
    const wrong = (text: string, field: HTMLInputElement) => {
      said.classList.add("wrong");
      fill(said, text);
      field.setAttribute("aria-invalid", "true");
      field.focus();
    };
    const take = (at: Date) => close({ at, also: box.checked });
    words.addEventListener("input", () => {
      const found = momentOf(words.value, new Date());
      said.classList.remove("wrong");
      words.removeAttribute("aria-invalid");
      calendar.removeAttribute("aria-invalid");
      fill(said, found === null ? "" : found.toLocaleString(locale(), { dateStyle: "full", timeStyle: "short" }));
      calendar.value = found === null ? "" : fieldValue(found);
    });
    const form = el(
      "form",
      {
        class: "later-words",
        data: { fleeting: "" },
        novalidate: true,
        onsubmit: (event: Event) => {
          event.preventDefault();
          const field = calendar.value === "" ? words : calendar;
          const at = calendar.value === "" ? momentOf(words.value, new Date()) : new Date(calendar.value);
          if (at === null || Number.isNaN(at.getTime()))
            wrong(t("Enter a time. For example, “tomorrow 9:00” or “in 3 hours”."), field);
          else if (at.getTime() <= Date.now()) wrong(t("This time is in the past."), field);
          else if (at.getTime() > Date.now() + days * day)
            wrong(t("Choose a time in the next {days} days.", { days }), field);
          else take(at);
        },
      },
      el("label", { class: "field" }, t("Type a time"), words),
      el("label", { class: "field" }, t("Date and time"), calendar),
      said,
      also !== "" && el("label", { class: "check" }, box, " ", also),
      el(
        "div",
        { class: "dialog-buttons" },
        el(
          "button",
          { class: "btn", type: "button", onclick: () => close({ at: new Date(0), also: false }) },
          t("Cancel"),
        ),
        el("button", { class: "btn primary", type: "submit" }, action),
      ),
    );
    const times = suggestions(now).map(([text, at], i) =>
      el(
        "button",
        { type: "button", autofocus: i === 0, onclick: () => take(at) },
        el("span", {}, text),
        el("time", { datetime: at.toISOString() }, inWords(at)),
      ),
    );
    const list = el("div", { class: "choices later-times" }, times);
    // typed words go to their field, wherever the focus is
    list.addEventListener("keydown", (event) => {
      if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey)
        words.focus();
    });
    return [list, form];
  }).then((chosen) => (chosen === null || chosen.at.getTime() === 0 ? null : chosen));
}
