// The places of the program: mail, calendar and contacts (WEBMAIL-181). Their links are at the top of the side bar, on a phone at
// the foot of the page. The rest of the side bar belongs to the place that is shown. Mail stays below the others, out of reach.

import { type CommandTable, hintOf } from "../../lib/commands";
import { el, fill, sign } from "../../lib/dom";
import { focusHome } from "../../lib/focus";
import { calendar, mail, users } from "../../lib/icons";
import { phone } from "../../lib/phone";
import { effect, signal } from "../../lib/signal";
import { meant, t } from "../../lib/words";
import type { Place } from "../commands/desk";

export class Places {
  /** The place that is shown; null for mail. */
  readonly shown = signal<Place | null>(null);
  /** The name of what is open in the place; "" for nothing. */
  readonly opened = signal("");
  readonly nav = el("nav", { class: "places", "aria-label": meant("app", "Places") });

  constructor(
    private readonly commands: CommandTable,
    private readonly root: HTMLElement,
    private readonly side: HTMLElement,
  ) {}

  /** Draw the links, once there are commands; `head` is above them in the side bar. */
  begin(head: HTMLElement): void {
    const link = (name: string, at: string, icon: string, words: string) => {
      const command = this.commands.get(`app.${name}`);
      const run = (event: MouseEvent) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        command.run();
      };
      return el(
        "a",
        { class: `place open-${name}`, href: `#${at}`, title: hintOf(command), "aria-label": words, onclick: run },
        sign(icon),
        el("span", {}, words),
      );
    };
    const links = {
      mail: link("mail", "Inbox", mail, meant("place", "Mail")),
      calendar: link("calendar", "calendar:", calendar, t("Calendar")),
      people: link("people", "people:", users, meant("place", "Contacts")),
    };
    fill(this.nav, ...Object.values(links));
    const arrange = () => (phone.matches ? this.root.append(this.nav) : head.after(this.nav));
    phone.addEventListener("change", arrange);
    arrange();
    effect(() => {
      const now = this.shown.value?.name ?? "mail";
      for (const [name, one] of Object.entries(links))
        if (name === now) one.setAttribute("aria-current", "page");
        else one.removeAttribute("aria-current");
    });
  }

  show(place: Place | null): void {
    const before = this.shown.value;
    if (place === before) return;
    before?.side?.remove();
    before?.view.remove();
    for (const one of this.root.children)
      if (one instanceof HTMLElement && one !== this.side && one !== this.nav) one.inert = place !== null;
    this.root.classList.toggle("other-place", place !== null);
    this.commands.only = place === null ? null : /^(app|go)\./;
    if (place !== null) {
      this.root.prepend(place.view);
      if (place.side !== undefined) this.side.append(place.side);
      place.view.tabIndex = -1;
      place.view.focus();
    }
    this.shown.value = place;
    if (document.activeElement === document.body) focusHome();
  }
}
