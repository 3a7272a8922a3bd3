// Dates of contacts, which may have no year: `1988-03-14`, `--03-14`.

import { formatted } from "../../lib/dateformats";
import { el } from "../../lib/dom";
import { field } from "../../lib/fields";
import { meant, t } from "../../lib/words";

const written = /^(\d{4}|-)-(\d\d)-(\d\d)$/;

/** A year that has a 29 February. */
const leap = 2000;

/** A date in words; another text as it is. */
export function dateInWords(text: string): string {
  const match = written.exec(text);
  if (match === null) return text;
  const [year, month, day] = match.slice(1).map(Number);
  const date = new Date(leap, month! - 1, day);
  if (Number.isNaN(year)) return formatted(date, "yearless", { day: "numeric", month: "long" });
  date.setFullYear(year!);
  return formatted(date, "long date", { day: "numeric", month: "long", year: "numeric" });
}

/** Three fields for a date. `read`: "" for none, null for what is no date, which is marked. */
export function dateField(label: string, old: string): { root: HTMLElement; read: () => string | null } {
  const [year, month, day] = written.exec(old)?.slice(1) ?? ["", "", ""];
  const box = (value: string, name: string, most: string, kind: string) =>
    el("input", {
      class: `dialog-input ${kind}`,
      value,
      inputmode: "numeric",
      maxlength: most,
      autocomplete: "off",
      placeholder: name,
      "aria-label": `${label}: ${name}`,
    });
  const days = box(day === "" ? "" : String(Number(day)), t("Day"), "2", "date-day");
  const months = el(
    "select",
    { class: "dialog-input", "aria-label": `${label}: ${t("Month")}` },
    el("option", { value: "" }, "–"),
    Array.from({ length: 12 }, (_, at) =>
      el(
        "option",
        { value: String(at + 1).padStart(2, "0"), selected: Number(month) === at + 1 },
        formatted(new Date(leap, at, 1), "month alone", { month: "long" }),
      ),
    ),
  );
  const years = box(year === "-" ? "" : year!, meant("date", "Year"), "4", "date-year");
  const group = field(
    label,
    el("div", { class: "date-parts", role: "group", "aria-label": label }, days, months, years),
    t("The year is optional."),
  );
  group.root.addEventListener("input", () => group.problem(""));
  return {
    root: group.root,
    read: () => {
      const [d, m, y] = [days.value.trim(), months.value, years.value.trim()];
      if (d === "" && m === "" && y === "") return "";
      const date = new Date(Number(y || leap), Number(m) - 1, Number(d));
      if (m !== "" && /^\d{1,2}$/.test(d) && /^(\d{4})?$/.test(y) && date.getDate() === Number(d))
        return `${y || "-"}-${m}-${d.padStart(2, "0")}`;
      group.problem(t("Enter a day and a month."));
      days.focus();
      return null;
    },
  };
}
