// Draws the page when its state changes.

import type { Client, MessageItem } from "../gen/webmail";
import { extra } from "../lib/parts";
import { reload } from "../lib/reload";
import { paint } from "../lib/scheme";
import { effect, signal } from "../lib/signal";
import { t } from "../lib/words";
import { guard } from "./back";
import type { Bar } from "./bar/part";
import type { Seen } from "./bar/seen";
import type { Desk } from "./commands/desk";
import { isInboxes } from "./data/queries";
import type { Find } from "./find";
import type * as MailboxesPart from "./mailboxes/part";
import { tellPlace, tellTitle } from "./place";
import type { Actions } from "./state/actions";
import type { Counts } from "./state/counts";
import { allLabels } from "./state/labels";
import type { Mail } from "./state/mail";
import type { AllSettings } from "./state/settings";
import { speak, spoken } from "./state/speech";
import type { Drawer } from "./ui/drawer";
import type { MailboxList } from "./ui/mailboxes";
import type { Places } from "./ui/places";
import type { Reader } from "./ui/reader";

interface Page {
  readonly client: Client;
  readonly mail: Mail;
  readonly actions: Actions;
  readonly find: Find;
  readonly mailboxes: MailboxList;
  /** The bar above a message, once it is there. */
  readonly bar: Bar | null;
  readonly drawer: Drawer;
  readonly places: Places;
  readonly reader: Reader;
  readonly seen: Seen | null;
  readonly desk: Desk;
  /** Whether the page is visible. */
  readonly displayed: boolean;
  /** Load the page again, now or when the user wants it, who reads these words. */
  /** Remove the offer of a rule for a move. */
  withdrawRule(): void;
}

/** Draw the page when the state changes. While a pointer is down, elements below it are not drawn again, so that the click
 * arrives. */
export function watch(page: Page): void {
  const { mail, find } = page;
  const held = signal(false);
  let release = 0;
  addEventListener(
    "pointerdown",
    () => {
      clearTimeout(release);
      held.value = true;
    },
    true,
  );
  // the click event comes after pointerup, in the same task
  for (const kind of ["pointerup", "pointercancel"])
    addEventListener(kind, () => (release = window.setTimeout(() => (held.value = false))), true);
  effect(() => {
    if (held.value) return;
    const away = page.places.shown.value !== null;
    page.mailboxes.draw(mail.mailboxes.value, away ? 0 : (mail.current.value?.id ?? 0), mail.boxes);
    page.mailboxes.outbox.dataset["place"] = page.places.shown.value?.title;
  });
  effect(() => {
    const { searches, labels } = mail.settings.value;
    const all = allLabels(labels, mail.mailboxes.value, []);
    const active = page.places.shown.value === null ? find.text.value : "";
    page.mailboxes.searches.hidden = searches.length === 0;
    page.mailboxes.labels.hidden = all.length === 0;
    if (!held.value && searches.length + all.length > 0)
      void extra<typeof MailboxesPart>("mailboxes").then((found) => found.drawLists(page, all, active));
  });
  effect(() => {
    const mailboxes = mail.mailboxes.value;
    // the mailbox that was shown is gone
    if (
      page.displayed &&
      mailboxes.length > 0 &&
      mail.current.value === undefined &&
      ((mail.query.value.filter.mailbox_id ?? 0) > 0 || isInboxes(mail.query.value))
    )
      page.desk.openInbox();
  });
  // the settings, another page of this browser, may ask for a language before this page hears of it
  const loaded = spoken();
  const translate = (language: AllSettings["language"]) => {
    if (speak(language)) void reload(t("Reload the page to change the language."));
  };
  // without the server, the page was loaded in the language in which the browser keeps it
  addEventListener("connected", () => spoken() !== "" && translate(spoken()));
  effect(() => {
    const { color_scheme, language } = mail.settings.value;
    paint(color_scheme);
    if (loaded !== language) translate(language);
  });
  effect(() => {
    void page.actions.done.value;
    void mail.query.value;
    page.withdrawRule();
  });
  effect(() => {
    const { shown, opened } = page.places;
    tellTitle(mail, find, shown.value === null ? "" : opened.value || shown.value.title);
  });
  effect(() =>
    read(
      page,
      mail.choice.shown.value,
      mail.choice.selectedCount.value > 0 ? mail.choice.selectedCounts.value : null,
      mail.choice.conversation.value,
    ),
  );
  effect(() => {
    if (held.value) return;
    void mail.rows.value;
    void mail.choice.selection.value;
    void mail.mailboxes.value;
    void find.threading.value;
    // the keys
    void mail.settings.value;
    page.bar?.draw();
  });
  effect(() => {
    tellPlace(mail, find);
    void mail.choice.selectedCount.value;
    guard();
  });
}

/** Show the selected message, or its thread, or how many are selected. */
function read(
  { reader, seen }: Page,
  item: MessageItem | null,
  selected: Counts | null,
  thread: readonly MessageItem[] | null,
): void {
  document.body.classList.toggle("show-message", item !== null || thread !== null);
  document.body.classList.toggle("choosing", selected !== null && item === null && thread === null);
  if (item === null) {
    seen?.cancel();
    reader.showNothing(selected);
  } else if (thread !== null) reader.showThread(thread, item.id);
  else reader.show(item);
}
