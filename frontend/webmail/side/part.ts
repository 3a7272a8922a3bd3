// What the page gets once the list is drawn: the side bar and the bar between the panes, by keys and by pointer, the number of messages
// in the Outbox, hints and notices above the list, and touch.

import type { Client } from "../../gen/webmail";
import { kept } from "../../lib/beside";
import { codeOf } from "../../lib/client";
import type { CommandTable } from "../../lib/commands";
import { along, mirrored } from "../../lib/direction";
import { el, fill, sign } from "../../lib/dom";
import { calendarClock, paperclip } from "../../lib/icons";
import { follow } from "../../lib/live";
import type { Reloading } from "../../lib/reload";
import { keepForms } from "../../lib/unsaved";
import { meant, t } from "../../lib/words";
import type { Desk } from "../commands/desk";
import type * as EventNewsPart from "../eventnews/part";
import type * as HintsPart from "../hints/part";
import type * as SortingPart from "../sorting/part";
import { placeOfEvent } from "../state/address";
import type { Mail } from "../state/mail";
import { followLocal } from "../state/settings";
import type * as TouchPart from "../touch/part";
import type { MessageList } from "../ui/list";
import type { MailboxList } from "../ui/mailboxes";
import type { Panes } from "../ui/panes";
import type * as WordsPart from "../words/part";
import { fillBand } from "./band";

interface Page {
  readonly client: Client;
  readonly commands: CommandTable;
  readonly mail: Mail;
  readonly mailboxes: MailboxList;
  readonly desk: Desk;
  readonly list: MessageList;
  readonly panes: Panes;
  readonly side: HTMLElement;
  readonly stream: { retry(anew: boolean): void };
}

/** Add all of it. */
export function complete(page: Page): void {
  const { client, desk, list, mail } = page;
  keepForms(kept());
  addEventListener("beforeunload", (event) => {
    // actions on their way to the server would be lost
    if (mail.pending.busy) event.preventDefault();
  });
  const done = async () => {
    while (mail.pending.busy) await mail.pending.end();
  };
  addEventListener("reloading", (event) => void (event as Reloading).detail.push(done()));
  oneStop(page.side);
  moveSplitter(page.panes);
  drawOutbox(page);
  drawFiles(page);
  document.addEventListener("auxclick", openBeside);
  fillBand(list.band, desk);
  prepareWriting(desk);
  const extra = <T>(name: string, run: (found: T) => void) => void desk.extra<T>(name).then(run);
  if (!(Number(localStorage.getItem("moxlite-webmail-hints")) >= 3))
    extra<typeof HintsPart>("hints", (found) => found.showHints(list.band));
  extra<typeof SortingPart>("sorting", (found) => found.showNotices(client, list.band, desk.facts().account_path));
  extra<typeof EventNewsPart>("eventnews", (found) => found.showEventNews(page, list.band));
  if (navigator.maxTouchPoints > 0)
    extra<typeof TouchPart>("touch", (found) => {
      list.pushable(found);
      found.pulls(list.root, () => page.stream.retry(true));
    });
}

/** Milliseconds after the first list, which the line has for what the user opens first; and between two attempts. */
const writingAfter = 10_000;

/** Have what a new message needs, which may be begun when there is no connection. What doesn't come is asked for again. */
function prepareWriting(desk: Desk): void {
  const { client, load } = desk;
  const work = async () => {
    const [words] = await Promise.all([load<typeof WordsPart>("words"), load("compose")]);
    await words.begun(client);
  };
  setTimeout(() => work().catch((error: unknown) => codeOf(error) || prepareWriting(desk)), writingAfter);
}

/** Open an event or a contact that the middle button clicks in another tab, by its address. */
function openBeside({ button, target }: MouseEvent): void {
  const at = target instanceof Element ? target.closest<HTMLElement>("[data-event], [data-contact]") : null;
  if (button !== 1 || at === null) return;
  const { event, contact } = at.dataset;
  const [id, date = ""] = (event ?? "").split(" ");
  const day = /^#calendar:.*?,\d{8}/.exec(location.hash)?.[0] ?? "";
  window.open(event === undefined ? `#people:,${contact}` : `${day}${placeOfEvent(Number(id), date)}`);
}

/** Pixels that an arrow key moves the bar between the panes. */
const step = 24;

/** Let the bar between list and message be dragged, and moved by the arrow keys (WEBMAIL-58). */
function moveSplitter(panes: Panes): void {
  followLocal((local) => panes.set(local));
  const { splitter } = panes;
  const pane = panes.root.querySelector(".middle")!;
  const list = () => pane.getBoundingClientRect();
  // the list's share of the space, in per cent, for screen readers
  new ResizeObserver(() => {
    const { clientWidth, clientHeight } = panes.root;
    if (clientWidth === 0) return;
    const share = panes.below ? list().height / clientHeight : list().width / clientWidth;
    splitter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }).observe(pane);
  splitter.addEventListener("pointerdown", (event) => {
    splitter.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  splitter.addEventListener("pointermove", (event) => {
    if (!splitter.hasPointerCapture(event.pointerId)) return;
    const { top, left, right } = list();
    panes.resize(panes.below ? event.clientY - top : mirrored() ? right - event.clientX : event.clientX - left);
  });
  splitter.addEventListener("dblclick", () => panes.set({ ...panes.local, [panes.below ? "height" : "width"]: 0 }));
  splitter.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -step, ArrowUp: -step, ArrowRight: step, ArrowDown: step }[along(event.key)];
    if (by === undefined) return;
    panes.resize((panes.below ? list().height : list().width) + by);
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Make the side bar one stop of the tab key: an arrow goes to the next control in its direction. */
function oneStop(side: HTMLElement): void {
  const controls = () =>
    [...side.querySelectorAll<HTMLElement>("button, input, a")].filter((one) => one.checkVisibility());
  let stop: HTMLElement | undefined;
  const settle = () => {
    const all = controls();
    if (stop === undefined || !all.includes(stop))
      stop = all.filter((one) => one.ariaCurrent === "page").at(-1) ?? all[0];
    for (const one of all) one.tabIndex = one === stop ? 0 : -1;
  };
  side.addEventListener("focusin", (event) => {
    stop = event.target as HTMLElement;
    settle();
  });
  side.addEventListener("keydown", (event) => {
    const [across, down] =
      { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (across === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    const middle = (one: HTMLElement) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      return [(left + right) / 2, (top + bottom) / 2] as const;
    };
    const from = middle(event.target as HTMLElement);
    let nearest = Infinity;
    let next: HTMLElement | undefined;
    for (const one of controls()) {
      const to = middle(one);
      const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
      const ahead = across * dx + down! * dy;
      const aside = Math.abs(across) > 0 ? Math.abs(dy) * 9 : Math.abs(dx);
      if (ahead > 4 && ahead + aside / 2 < nearest) [nearest, next] = [ahead + aside / 2, one];
    }
    next?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  new MutationObserver(settle).observe(side, { childList: true, subtree: true });
  addEventListener("resize", settle);
  settle();
}

/** Draw the row of the Outbox: it is there while messages wait, with their number, or the Outbox is shown. Mail that is scheduled, sent or
 * put off is in a mailbox of its own; of the rest, which only the queue has, the server tells by itself. */
function drawOutbox({ client, commands, mail, mailboxes }: Page): void {
  const row = mailboxes.outbox;
  const number = el("span", { class: "mailbox-unread" });
  const title = meant("place", "Outbox");
  const open = el(
    "button",
    { class: "mailbox-open", title, onclick: () => commands.run("app.waiting") },
    sign(calendarClock),
    el("span", { class: "mailbox-name" }, title),
    number,
  );
  fill(row, open);
  let n = 0;
  const draw = () => {
    const shown = row.dataset["place"] === title;
    row.classList.toggle("active", shown);
    row.hidden = n === 0 && !shown;
    open.ariaCurrent = shown ? "page" : null;
    number.textContent = n === 0 ? "" : t("{n}", { n });
  };
  new MutationObserver(draw).observe(row, { attributeFilter: ["data-place"] });
  const count = async () => {
    n = await client.outbox_count();
    draw();
  };
  const { changed } = follow(count, () => {});
  addEventListener("counts", (event) => {
    const of = [mail.boxes.withRole("sent"), mail.boxes.named("Scheduled"), mail.boxes.named("Snoozed")];
    if (of.some((box) => box?.id === (event as CustomEvent<number>).detail)) dispatchEvent(new Event("departures"));
  });
  for (const name of ["departures", "connected"]) addEventListener(name, changed);
  draw();
  changed();
}

/** Draw the row of the files, below the mailboxes. */
function drawFiles({ mailboxes }: Page): void {
  const title = meant("place", "Files");
  const open = el(
    "button",
    { class: "mailbox-open", title, onclick: () => (location.hash = "files:") },
    sign(paperclip),
    el("span", { class: "mailbox-name" }, title),
  );
  const row = el("div", { class: "mailbox" }, open);
  const draw = () => {
    const shown = mailboxes.outbox.dataset["place"] === title;
    row.classList.toggle("active", shown);
    open.ariaCurrent = shown ? "page" : null;
  };
  new MutationObserver(draw).observe(mailboxes.outbox, { attributeFilter: ["data-place"] });
  mailboxes.root.after(el("div", { class: "mailboxes" }, row));
  draw();
}
