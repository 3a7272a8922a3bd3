// The implementation of the commands that open mailboxes, pages and dialogs.

import type { Client } from "../gen/webmail";
import type { CommandTable } from "../lib/commands";
import { attempt } from "../lib/dialogs";
import { typedUntil } from "../lib/keyboard";
import { part } from "../lib/parts";
import { isDark } from "../lib/scheme";
import type { Session } from "../lib/session";
import { t } from "../lib/words";
import { writeAddress } from "./back";
import type { Desk, Navigation } from "./commands/desk";
import type * as ComposePart from "./compose/part";
import type { Box } from "./data/mailboxes";
import type { Stream } from "./data/stream";
import type { Find } from "./find";
import type * as MailboxesPart from "./mailboxes/part";
import type { Offline } from "./offline/part";
import type * as MenuPart from "./menu/part";
import type * as PalettePart from "./palette/part";
import { tellPlace } from "./place";
import { placeOf } from "./state/address";
import type { Mail } from "./state/mail";
import type { Drawer } from "./ui/drawer";
import type { Places } from "./ui/places";
import type { Reader } from "./ui/reader";

interface Page {
  readonly client: Client;
  readonly commands: CommandTable;
  readonly session: Session;
  readonly mail: Mail;
  readonly stream: Stream;
  readonly find: Find;
  readonly drawer: Drawer;
  readonly places: Places;
  readonly reader: Reader;
  readonly desk: Desk;
  offline(): Promise<Offline | undefined> | undefined;
}

/** Commands, and the mailboxes that are opened by a click. */
export interface NavigationByHand extends Navigation {
  openMailbox(mailbox: Box): void;
  mailboxMenu(mailbox: Box): Promise<void>;
}

export function navigation(page: Page): NavigationByHand {
  const { client, commands, mail, drawer, places } = page;

  function openMail(mailbox?: Box): void {
    drawer.close();
    places.show(null);
    if (mailbox !== undefined) page.find.openMailbox(mailbox);
    if (placeOf(location.hash) !== "") tellPlace(mail, page.find, true);
  }

  async function mailboxMenu(mailbox: Box): Promise<void> {
    const parent = mail.mailboxes.value.some((other) => other.name.startsWith(`${mailbox.name}/`));
    const found = await part<typeof MailboxesPart>("mailboxes");
    await found.mailboxMenu(page.desk, mailbox, parent);
  }

  return {
    openMailbox: openMail,
    mailboxMenu,
    openSettings: () =>
      void attempt(t("Loading…"), t("Couldn't open settings"), async () => {
        // a server that is away would leave the browser's page about it; actions on their way, its question
        await client.inbox_unread();
        await mail.pending.end();
        location.assign(mail.facts.value.account_path);
      }),
    switchScheme() {
      const color_scheme = isDark(mail.settings.value.color_scheme) ? "light" : "dark";
      void attempt(t("Saving…"), t("Couldn't save settings"), () => client.settings_save({ color_scheme }));
    },
    openPage(name) {
      drawer.close();
      void attempt(t("Loading…"), t("Couldn't open this item"), async () =>
        (await part<{ openPage(desk: Desk): void }>(name)).openPage(page.desk),
      );
    },
    openMail: () => openMail(),
    openPlace: (place) => places.show(place),
    tellAddress(address, name = "") {
      places.opened.value = name;
      writeAddress(address);
    },
    openSide: () => drawer.button.click(),
    async findCommand() {
      const [palette, typed] = await typedUntil(part<typeof PalettePart>("palette"));
      await palette.openPalette(commands, typed);
    },
    async showKeys() {
      const [palette, writing] = await Promise.all([
        part<typeof PalettePart>("palette"),
        part<typeof ComposePart>("compose"),
      ]);
      writing.addKeys(page.desk);
      await page.reader.prepare();
      await palette.showKeys(commands, commands.get("app.signs"));
    },
    async showTitles() {
      const at = document.activeElement ?? document.body;
      await (await part<typeof PalettePart>("palette")).showTitles(at);
    },
    openInbox() {
      const inbox = mail.boxes.named("Inbox");
      if (inbox !== undefined) openMail(inbox);
    },
    openInboxes: () => openMail(mail.boxes.inboxes() ?? mail.boxes.named("Inbox")!),
    openRole(role) {
      const mailbox = mail.boxes.withRole(role);
      if (mailbox !== undefined) openMail(mailbox);
    },
    createMailbox: async () => (await part<typeof MailboxesPart>("mailboxes")).createMailbox(client),
    openMailboxMenu() {
      const mailbox = mail.current.value;
      if (mailbox !== undefined && mailbox.id > 0) void mailboxMenu(mailbox);
    },
    logOut: async () => (await part<typeof MenuPart>("menu")).leave(page),
  };
}
