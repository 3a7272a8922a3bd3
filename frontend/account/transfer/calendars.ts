// Calendars and contacts from another server (DAV-45): the form, the progress, and the result.

import type { CalendarCopying as Found } from "../../gen/account";
import { attempt } from "../../lib/dialogs";
import { el, fill, placed } from "../../lib/dom";
import { atFields, form, line } from "../../lib/fields";
import type { Told } from "../../lib/language";
import { button, card, foreign, meter } from "../../lib/pages";
import { redraw } from "../../lib/press";
import { notice } from "../../lib/states";
import { many, t, told } from "../../lib/words";
import type { Desk } from "../ui/page";
import { where } from "./copying";

/** Milliseconds between two looks at how far the copy is. */
const period = 1000;

export class CalendarCopies {
  readonly root = el("div", { class: "copying" });
  private timer = 0;
  private phase = "";

  constructor(private readonly desk: Desk) {
    desk.onLeave(() => clearTimeout(this.timer));
  }

  /** Read the state, show it, and follow it while the copy runs. */
  async show(): Promise<void> {
    clearTimeout(this.timer);
    const found = await this.desk.client.calendar_copy_state();
    // a form that is shown keeps what was typed
    if (found.phase === "running" || found.phase !== this.phase) {
      const texts = [found.error, ...found.problems].filter(({ message }) => message !== "");
      const [error = "", ...problems] = await Promise.all(texts.map(async (one) => (await told(one as Told)).message));
      const failed = found.error.message !== "";
      await redraw(this.root, () =>
        this.draw(found, failed ? error : "", failed ? problems : [error, ...problems].filter((one) => one !== "")),
      );
    }
    this.phase = found.phase;
    if (found.phase === "running") this.timer = window.setTimeout(() => void this.again(), period);
  }

  /** As `show`; a lost connection is tried again. */
  private async again(): Promise<void> {
    if (!this.desk.shown()) return;
    try {
      await this.show();
    } catch {
      this.timer = window.setTimeout(() => void this.again(), period * 5);
    }
  }

  private draw(found: Found, error: string, problems: readonly string[]): void {
    const title = t("Calendars and contacts from another server");
    if (found.phase === "none") {
      const hint = t(
        "Copies data over CalDAV and CardDAV. Your data there won't change, and guests won't be notified. Copying again won't create duplicates.",
      );
      fill(this.root, card(title, this.ask(), { hint }));
      return;
    }
    const counted = [
      many(found.added, "{n} entry copied", "{n} entries copied"),
      found.known > 0 && many(found.known, "{n} already here", "{n} already here"),
      found.unread > 0 && many(found.unread, "couldn't read {n}", "couldn't read {n}"),
    ]
      .filter(Boolean)
      .join(", ");
    const running = found.phase === "running";
    fill(
      this.root,
      card(title, [
        where(found),
        running &&
          el(
            "div",
            { class: "gap" },
            meter(found.of > 0 ? found.at / found.of : 0),
            el(
              "p",
              { class: "hint", role: "status" },
              found.place === ""
                ? t("Finding calendars and address books…")
                : placed(
                    many(found.of, "{place}: {done} of {n} entry", "{place}: {done} of {n} entries", {
                      done: found.at,
                    }),
                    { place: foreign(found.place) },
                  ),
            ),
            el("p", {}, counted),
          ),
        found.phase === "done" && notice("ok", `${t("Done")}: ${counted}.`),
        found.phase === "aborted" && notice("off", t("Copy canceled. {counted}.", { counted })),
        found.phase === "failed" &&
          notice("danger", [foreign(error), found.added > 0 && el("span", {}, ` ${counted}.`)]),
        problems.length > 0 &&
          el(
            "details",
            { class: "problems" },
            el("summary", {}, t("Skipped items")),
            el(
              "ul",
              {},
              problems.map((one) => el("li", {}, foreign(one))),
            ),
          ),
        el(
          "div",
          { class: "flex wrap gap" },
          running
            ? button(t("Stop"), () => void this.act(() => this.desk.client.calendar_copy_abort()))
            : button(t("Close"), () => void this.act(() => this.desk.client.calendar_copy_dismiss())),
        ),
      ]),
    );
  }

  private ask(): HTMLElement {
    const url = line(t("Server address"), "", t("For example, dav.example.com. See your provider's help."), {
      inputmode: "url",
      autocapitalize: "none",
    });
    const user = line(t("Username"), "", t("Usually your full email address."), { autocapitalize: "none" });
    const password = line(t("Password"), "", t("Never saved. Many providers require an app password."), {
      type: "password",
      autocomplete: "off",
    });
    return form([el("div", { class: "fields" }, url.root, user.root, password.root)], t("Copy"), async () => {
      try {
        await this.desk.client.calendar_copy(url.control.value, user.control.value, password.control.value);
      } catch (error) {
        atFields(error, { url, user, password });
        return;
      }
      await this.show();
    }).root;
  }

  private async act(work: () => Promise<unknown>): Promise<void> {
    await attempt(t("Updating…"), t("Couldn't update import"), work);
    await this.show();
  }
}
