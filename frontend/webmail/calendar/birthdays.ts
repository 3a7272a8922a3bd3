// Birthdays of contacts as a calendar (WEBMAIL-175d): computed here, on whole days, and only read.

import type { Birthday, Client, EventItem } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { type Child, el } from "../../lib/dom";
import { meant, t } from "../../lib/words";
import { birthdayIn, dateOf } from "./days";

/** A box with which a calendar is shown or hidden. */
export function shownBox(colour: number, shown: boolean, show: (shown: boolean) => Promise<unknown>): HTMLElement {
  const box = el("input", {
    type: "checkbox",
    class: `c${colour}`,
    checked: shown,
    onchange: () =>
      void attempt(
        t("Saving…"),
        t("Couldn't update calendar"),
        () => show(box.checked),
        () => (box.checked = shown),
      ),
  });
  return box;
}

export class Birthdays {
  private people: readonly Birthday[] = [];
  private shown = true;
  private known = false;
  private wish: "" | "on" | "off" = "";

  constructor(
    private readonly client: Client,
    private readonly again: () => Promise<unknown>,
  ) {
    addEventListener("contacts", () => (this.known = false));
  }

  /** Fetch them, if contacts have changed since. */
  async fetch(): Promise<void> {
    if (this.known) return;
    const { wish } = this;
    this.known = true;
    this.wish = "";
    try {
      ({ shown: this.shown, people: this.people } = await this.client.birthdays(wish));
    } catch (error) {
      this.known = false;
      this.wish ||= wish;
      throw error;
    }
  }

  /** The birthdays from a day until before another. */
  items(from: number, to: number): EventItem[] {
    const years = [...new Set([from, to - 1].map((day) => dateOf(day).getFullYear()))];
    return this.people
      .flatMap((one) => years.map((year) => birthdayIn(one, year)))
      .filter((item) => item !== null)
      .filter(({ starts }) => starts >= from * 86_400 && starts < to * 86_400);
  }

  /** The line of the side bar with which they are turned off and on; false where no contact has one. */
  row(): Child {
    if (this.shown && this.people.length === 0) return false;
    const box = shownBox(8, this.shown, async (shown) => {
      this.wish = shown ? "on" : "off";
      this.known = false;
      await this.again();
    });
    return el("div", { class: "cal-choice" }, el("label", {}, box, meant("calendar", "Birthdays")));
  }

  /** The address of a person; "" for none. */
  addressOf({ id }: EventItem): string {
    return this.people.find((one) => one.id === id)?.address ?? "";
  }
}
