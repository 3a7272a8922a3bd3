// Calendars that are read from an address each hour (DAV-44).

import type { Calendar } from "../../gen/webmail";
import { attempt, dialog, setStatus } from "../../lib/dialogs";
import { type Child, el, isolated, sign } from "../../lib/dom";
import { once } from "../../lib/fields";
import { refreshCw, triangleAlert } from "../../lib/icons";
import type { Told } from "../../lib/language";
import { t, told } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import { clock, dayOf, shortDay } from "./days";

type Client = Surroundings["client"];

/** The name of a calendar, and who shares it. */
export const shownName = (one: Calendar): string =>
  one.owner === "" ? isolated(one.name) : `${isolated(one.name)} (${isolated(one.owner)})`;

/** A mark behind the name of a calendar that cannot be read, and of one that is read from elsewhere. */
export function signOf(one: Calendar): Child {
  if (one.source === "") return null;
  const words = one.problem.message === "" ? t("subscribed calendar") : t("can't be refreshed right now");
  return el(
    "span",
    {
      class: one.problem.message === "" ? "cal-sign" : "cal-sign warn",
      title: words,
      role: "img",
      "aria-label": words,
    },
    sign(one.problem.message === "" ? refreshCw : triangleAlert),
  );
}

/** From where a calendar is read, and how that went. */
export function sourceOf(client: Client, one: Calendar, again: () => Promise<void>): HTMLElement {
  const moment = new Date(one.read * 1000);
  const problem = el("p", { class: "cal-problem" });
  const left = el("p", { class: "hint" });
  for (const [line, reason] of [[problem, one.problem] as const, [left, one.left] as const]) {
    line.hidden = reason.message === "";
    if (!line.hidden) void told(reason as Told).then(({ message }) => (line.textContent = message));
  }
  const read = el("button", { class: "btn line", type: "button" }, t("Refresh"));
  read.addEventListener("click", () => {
    read.disabled = true;
    void attempt(t("Refreshing…"), t("Couldn't refresh calendar"), () => client.calendar_refresh(one.id))
      .then((done) => {
        if (!done) return;
        problem.hidden = true;
        setStatus(t("The calendar is up to date."));
        return again();
      })
      .finally(() => (read.disabled = false));
  });
  return el(
    "div",
    { class: "cal-source" },
    el("p", { class: "cal-address" }, el("bdi", { dir: "ltr" }, one.source)),
    el(
      "p",
      { class: "hint" },
      one.read === 0
        ? t("Not refreshed yet")
        : t("Refreshed hourly, last on {day} at {time}", { day: shortDay(dayOf(moment)), time: clock(moment) }),
    ),
    problem,
    left,
    read,
  );
}

/** Ask for the address of a calendar, and subscribe to it. */
export async function subscribe(client: Client, colour: string, again: () => Promise<void>): Promise<void> {
  const address = el("input", {
    class: "dialog-input",
    type: "text",
    inputmode: "url",
    autocapitalize: "off",
    spellcheck: false,
    maxlength: "2000",
    dir: "ltr",
    required: true,
    autofocus: true,
    placeholder: "https://",
  });
  const name = el("input", { class: "dialog-input", maxlength: "200", dir: "auto" });
  await dialog<void>(t("Subscribe to calendar"), (close) => {
    const button = el("button", { class: "btn primary", type: "submit" }, t("Subscribe"));
    const submitted = async () => {
      button.disabled = true;
      const done = await attempt(t("Subscribing…"), t("Couldn't subscribe to calendar"), () =>
        client.calendar_subscribe(address.value, name.value, colour),
      );
      button.disabled = false;
      if (!done) return;
      close();
      await again();
    };
    return [
      el(
        "form",
        { class: "cal-subscribe", onsubmit: once(submitted) },
        el(
          "p",
          { class: "dialog-text" },
          t("For example, holidays, sports, or a club calendar. Events appear alongside yours and refresh hourly."),
        ),
        el("label", { class: "field" }, t("URL (https:// or webcal://)"), address),
        el("label", { class: "field" }, t("Custom name (optional)"), name),
        el(
          "div",
          { class: "dialog-buttons" },
          el("button", { class: "btn", type: "button", onclick: () => close() }, t("Cancel")),
          button,
        ),
      ),
    ];
  });
}
