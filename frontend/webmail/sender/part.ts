// Actions about the sender of a message (WEBMAIL-142).

import type { Client, MessageItem } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { newRuleAt } from "../../lib/newrule";
import type { toast } from "../../lib/toasts";
import { t } from "../../lib/words";
import type { Box, Role } from "../data/mailboxes";
import type { Actions } from "../state/actions";
import type { Mail } from "../state/mail";
import { bareAddress } from "../ui/format";

/** The actions: search the sender's mail; add the sender to the contacts, at once or after a look at the form; file all further mail elsewhere, by a rule of one's own, or as junk; mark one message as phishing;
 * confirm that the sender is the person whose name a message has (WEBMAIL-161); refuse mail to the address that was given away, to which a message
 * came, or take it again (MASK-14). */
export type AboutSender =
  | "search"
  | "add"
  | "contact"
  | "always"
  | "rule"
  | "block"
  | "phishing"
  | "known"
  | "refuse"
  | "accept";

interface Page {
  readonly client: Client;
  readonly mail: Mail;
  readonly actions: Actions;
  readonly say: typeof toast;
  search(text: string): void;
  /** Show the contact of an address, or a form for a new one. */
  contact(name: string, address: string): Promise<void>;
  choose(title: string, among: readonly Box[]): Promise<Box | null>;
  /** Offer to give this role to a mailbox, because none has it. */
  offerRole(role: Role): void;
}

/** Run an action; whether it was done. `masked`: the address that is to accept or refuse mail. */
export async function act(item: MessageItem, what: AboutSender, masked: string, page: Page): Promise<boolean> {
  const { mail, actions } = page;
  if (what === "known")
    return attempt(t("Saving…"), t("Couldn't save contact"), async () => {
      await page.client.claim_confirm(item.id);
      page.say(t("Added to your contacts"));
    });
  if (what === "add") {
    const [from] = item.from;
    const value = bareAddress(from!);
    const emails = [{ value, kind: "" }];
    const contact = { name: from!.name || value, emails, phones: [], organization: "", note: "", groups: [] };
    return attempt(t("Saving…"), t("Couldn't save contact"), async () => {
      const id = await page.client.contact_save(contact);
      page.say(t("Added to your contacts"), { title: t("Edit"), run: () => location.assign(`#people:,${id}`) });
    });
  }
  if (what === "refuse" || what === "accept")
    return attempt(t("Saving…"), t("Couldn't update address"), async () => {
      await (what === "accept" ? page.client.address_on(masked) : page.client.address_off(masked));
      page.say(
        what === "accept" ? t("This address accepts mail again") : t("New mail to this address will be rejected"),
      );
    });
  if (what === "search") {
    page.search(`from:"${bareAddress(item.from[0]!).replaceAll('"', '""')}"`);
    return true;
  }
  if (what === "rule") {
    const { account_path: account, addresses } = mail.facts.value;
    const named = [...item.to, ...item.cc].map((one) => bareAddress(one).toLowerCase());
    const own = addresses.find((address) => named.includes(address.toLowerCase())) ?? "";
    const conditions = [{ part: "from", test: "is", value: bareAddress(item.from[0]!) }] as const;
    location.assign(newRuleAt(account, own, { match: "all", conditions }));
    return true;
  }
  if (what === "contact") {
    const [from] = item.from;
    return attempt(t("Loading…"), t("Couldn't open contact"), () => page.contact(from!.name, bareAddress(from!)));
  }
  const others = mail.mailboxes.value.filter(
    (mailbox) => mailbox.roles.length === 0 && !["Inbox", "Snoozed", "Scheduled"].includes(mailbox.name),
  );
  const chosen =
    what === "always"
      ? await page.choose(t("Always move mail from this sender to"), others)
      : mail.boxes.withRole("junk", mail.boxes.get(item.mailbox_id)?.home);
  if (chosen === undefined) page.offerRole("junk");
  if (chosen == null) return false;
  if (what === "phishing")
    actions.flagItems([item], ["$phishing"], true, {
      doing: () => t("Marking as phishing…"),
      done: () => t("Marked as phishing"),
    });
  else if (!(await rule(item, chosen, page))) return false;
  actions.moveItems([item], chosen, what !== "always");
  return true;
}

async function rule(item: MessageItem, { id }: Box, { client, say }: Page): Promise<boolean> {
  return attempt(t("Saving…"), t("Couldn't add rule"), async () => {
    const { msg_from: sender, recipient, mailbox } = await client.ruleset_for_sender(item.id, id);
    say(t("New mail from {sender} to {recipient} will go to “{mailbox}”", { sender, recipient, mailbox }));
  });
}
