// Adding a linked mailbox: the address, from which the servers are found; then the password, with all else below. And a new
// password for one that is there.

import type { Added, FoundServers, LinkForm, LinkItem } from "../../gen/account";
import { fieldsOf, messageOf } from "../../lib/client";
import { dialog } from "../../lib/dialogs";
import { type Child, el, fill, sign } from "../../lib/dom";
import { atFields, choice, form, line, tick } from "../../lib/fields";
import { externalLink } from "../../lib/icons";
import { foreign } from "../../lib/pages";
import { notice } from "../../lib/states";
import { many, meant, t } from "../../lib/words";
import type { Desk } from "../ui/page";

type Tls = FoundServers["incoming"]["tls"];
/** How mail from the address of a link is sent. */
type Sending = Pick<LinkForm, "sends" | "smtp_host" | "smtp_port" | "smtp_tls" | "smtp_user">;
type Protocol = FoundServers["protocol"];

const security: readonly (readonly [Tls, string])[] = [
  ["implicit", t("TLS (port 993)")],
  ["starttls", t("STARTTLS (port 143)")],
  ["none", t("No encryption (port 143)")],
];
/** POP3 without encryption is not spoken (LINK-18). */
const maildropSecurity: readonly (readonly [Tls, string])[] = [
  ["implicit", t("TLS (port 995)")],
  ["starttls", t("STARTTLS (port 110)")],
];

const protocols: readonly (readonly [Protocol, string])[] = [
  ["imap", t("IMAP: sync everything both ways")],
  ["pop3", t("POP3: download new mail to a single folder")],
];

/** What becomes of mail at a server with POP3: days until it is removed there, null for never. */
export function keeping(days: number | null): string {
  if (days === null) return t("Keep mail on server");
  if (days === 0) return t("Delete from server after download");
  return many(days, "Delete from server after {n} day", "Delete from server after {n} days");
}

const submission: readonly (readonly [Sending["smtp_tls"], string])[] = [
  ["implicit", t("TLS (port 465)")],
  ["starttls", t("STARTTLS (port 587)")],
];

/** Ask for a mailbox and link it; null if the user gives up. */
export function addMailbox(desk: Desk, insecure: boolean): Promise<Added | null> {
  return dialog<Added | null>(t("Add account from another provider"), (close) => {
    const place = el("div", {});
    const cancel = () => close(null);
    const askPassword = (address: string, found: FoundServers | null, reason = "") => {
      fill(place, passwordStep(desk, { address, found, reason, insecure }, close));
      place.querySelector<HTMLElement>(found === null ? "[name=host]" : "[type=password]")?.focus();
    };
    fill(place, addressStep(desk, askPassword), buttons(cancel));
    return [place];
  });
}

function addressStep(desk: Desk, go: (address: string, found: FoundServers | null, reason?: string) => void): Child {
  const address = line(t("Address"), "", t("We'll use your address to find the mail servers."), {
    inputmode: "email",
    autocapitalize: "none",
    placeholder: "mia@example.org",
    maxlength: "320",
    autofocus: "",
  });
  const doing = el("p", { class: "hint", role: "status" });
  const box = form([address.root, doing], meant("step", "Next"), async () => {
    const typed = address.control.value.trim();
    const domain = typed.slice(typed.lastIndexOf("@") + 1);
    fill(doing, t("Finding mail servers for {domain}…", { domain }));
    try {
      go(typed, await desk.client.link_find(typed));
    } catch (error) {
      if (fieldsOf(error).some((one) => one.field === "host")) go(typed, null, messageOf(error));
      else atFields(error, { address });
    } finally {
      fill(doing);
    }
  });
  return box.root;
}

interface Step {
  readonly address: string;
  /** Null if no server was found, for this `reason`. */
  readonly found: FoundServers | null;
  readonly reason: string;
  readonly insecure: boolean;
}

function passwordStep(desk: Desk, step: Step, close: (made: Added | null) => void): Child {
  const { address, found } = step;
  const server = found?.incoming ?? { host: "", port: 0, tls: "implicit", user: address };
  const password = passwordLine();
  const name = line(t("Display name"), nameOf(address, found), t("Folders will appear under this name."), {
    maxlength: "100",
  });
  const host = line(t("Server"), server.host, t("For example, imap.example.org"), {
    name: "host",
    inputmode: "url",
    autocapitalize: "none",
  });
  const protocol = choice(t("Server type"), protocols, found?.protocol ?? "imap");
  const keep = choice(
    t("After downloading"),
    [null, 30, 7, 0].map((days) => [String(days ?? ""), keeping(days)] as const),
    "",
  );
  const tls = choice(t("Encryption"), [], "");
  const offer = () => {
    const chosen = tls.control.value || server.tls;
    const maildrop = protocol.control.value === "pop3";
    const all = maildrop ? maildropSecurity : security.filter(([value]) => value !== "none" || step.insecure);
    fill(
      tls.control,
      all.map(([value, words]) => el("option", { value, selected: value === chosen }, words)),
    );
    keep.root.hidden = !maildrop;
  };
  protocol.control.addEventListener("change", offer);
  offer();
  const port = line(t("Port"), server.port === 0 ? "" : String(server.port), t("Leave blank to use the default."), {
    inputmode: "numeric",
    maxlength: "5",
  });
  const user = line(t("Username"), server.user, t("Usually your full email address."), { autocapitalize: "none" });
  const smtp = found?.smtp ?? { host: "", port: 0, tls: "implicit", user: "" };
  const sending = sendingFields({
    sends: true,
    smtp_host: smtp.host,
    smtp_port: smtp.port,
    smtp_tls: smtp.tls === "starttls" ? "starttls" : "implicit",
    smtp_user: smtp.user,
  });
  const others = el(
    "details",
    { class: "other-settings", open: found === null },
    el("summary", {}, t("Other settings")),
    el("div", { class: "fields" }, protocol.root, host.root, tls.root, port.root, user.root),
    sending.servers,
  );
  const sorts = sortingTick(false);
  const doing = el("p", { class: "hint", role: "status" });
  const box = form(
    [about(step), password.root, name.root, keep.root, sending.tick, sorts.root, others, doing],
    t("Add account"),
    async () => {
      const number = portOf(port);
      const form = sending.value();
      if (number === null || form === null) {
        others.open = true;
        return;
      }
      fill(doing, t("Logging in to {host}…", { host: host.control.value.trim() }));
      try {
        close(
          await desk.client.link_add({
            address,
            name: name.control.value,
            protocol: protocol.control.value as Protocol,
            keep_days: keep.root.hidden || keep.control.value === "" ? null : Number(keep.control.value),
            host: host.control.value,
            port: number,
            tls: tls.control.value as Tls,
            user: user.control.value,
            password: password.control.value,
            sorts: sorts.control.checked,
            ...form,
          }),
        );
      } catch (error) {
        const within = { protocol, host, tls, port, user, ...sending.places };
        if (fieldsOf(error).some((one) => one.field in within)) others.open = true;
        atFields(error, { name, password, keep_days: keep, ...within });
      } finally {
        fill(doing);
      }
    },
  );
  return [box.root, buttons(() => close(null))];
}

/** The number in a field for a port: 0 for the usual one, null if it is wrong. */
function portOf(port: { control: HTMLInputElement; problem(text: string): void }): number | null {
  const text = port.control.value.trim();
  const number = text === "" ? 0 : Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= 65535) return number;
  port.problem(t("Enter a port from 1 to 65535."));
  return null;
}

/** Whether mail is sent from the address, and by which server; an empty one is found. */
function sendingFields(now: Sending) {
  const sends = tick(
    t("Send from this address"),
    now.sends,
    t("Uses your provider's server when you choose this From address."),
  );
  const host = line(t("SMTP server"), now.smtp_host, t("Leave blank to detect automatically."), {
    inputmode: "url",
    autocapitalize: "none",
  });
  const tls = choice(t("SMTP encryption"), submission, now.smtp_tls);
  const port = line(
    t("SMTP port"),
    now.smtp_port === 0 ? "" : String(now.smtp_port),
    t("Leave blank to use the default."),
    {
      inputmode: "numeric",
      maxlength: "5",
    },
  );
  const user = line(t("SMTP username"), now.smtp_user, t("Leave blank to use the incoming username."), {
    autocapitalize: "none",
  });
  const servers = el("div", { class: "fields" }, host.root, tls.root, port.root, user.root);
  const show = () => {
    servers.hidden = !sends.control.checked;
  };
  sends.control.addEventListener("change", show);
  show();
  const value = (): Sending | null => {
    const number = portOf(port);
    if (number === null) return null;
    return {
      sends: sends.control.checked,
      smtp_host: host.control.value,
      smtp_port: number,
      smtp_tls: tls.control.value as Sending["smtp_tls"],
      smtp_user: user.control.value,
    };
  };
  return {
    tick: sends.root,
    servers,
    value,
    places: { smtp_host: host, smtp_tls: tls, smtp_port: port, smtp_user: user },
  };
}

/** Ask how mail from the address of a link is sent. True if that was changed. */
export async function changeSending(desk: Desk, one: LinkItem): Promise<boolean> {
  const done = await dialog<boolean>(t("Send from {address}", { address: one.address }), (close) => {
    const sending = sendingFields({ ...one, sends: one.smtp_host !== "" });
    const doing = el("p", { class: "hint", role: "status" });
    const box = form([sending.tick, sending.servers, doing], t("Save"), async () => {
      const form = sending.value();
      if (form === null) return;
      fill(doing, form.sends && t("Checking SMTP login…"));
      try {
        const { smtp_host, smtp_port, smtp_tls, smtp_user, sends } = form;
        await desk.client.link_set_sending(one.name, smtp_host, smtp_port, smtp_tls, smtp_user, null, !sends);
        close(true);
      } catch (error) {
        atFields(error, sending.places);
      } finally {
        fill(doing);
      }
    });
    return [box.root, buttons(() => close(false))];
  });
  return done === true;
}

function sortingTick(now: boolean) {
  return tick(
    t("Sort new mail"),
    now,
    t(
      "Use your junk filter, rules, and script. Changes sync to your provider. This mail won't get vacation replies or be forwarded.",
    ),
  );
}

/** Ask whether new mail of a link is sorted (LINK-31). True if that was changed. */
export async function changeSorting(desk: Desk, one: LinkItem): Promise<boolean> {
  const done = await dialog<boolean>(t("Sort mail from {name}", { name: one.name }), (close) => {
    const sorts = sortingTick(one.sorts);
    const box = form([sorts.root], t("Save"), async () => {
      await desk.client.link_set_sorting(one.name, !sorts.control.checked);
      close(true);
    });
    return [box.root, buttons(() => close(false))];
  });
  return done === true;
}

/** What was found, and what the provider wants first. */
function about({ address, found, reason }: Step): Child {
  const whose = el("p", { class: "two" }, el("b", {}, foreign(address)));
  if (found === null) return [whose, notice("warn", foreign(reason))];
  const text = t("DNS points to {host}, a server in another domain. Continue only if your provider uses this server.", {
    host: found.incoming.host,
  });
  return [
    whose,
    el(
      "p",
      { class: "hint" },
      t("Server"),
      ": ",
      found.provider !== "" && `${found.provider}, `,
      foreign(found.incoming.host),
    ),
    found.proven ? null : notice("warn", text),
    found.protocol === "pop3" &&
      notice(
        "unknown",
        t(
          "This provider only supports POP3. New mail is fetched every 5 minutes into a single folder. Changes you make here won't sync back.",
        ),
      ),
    wanted(found),
  ];
}

/** Whether the provider wants another password, or IMAP to be allowed, and where that is done. */
export function wanted(one: Pick<FoundServers, "provider" | "wants" | "page">): Child {
  if (one.wants === "") return null;
  const names = { provider: one.provider };
  const [text, action] =
    one.wants === "app"
      ? [
          t("{provider} requires an app password for this server. Your usual password won't work.", names),
          t("Create app password"),
        ]
      : [t("First, turn on IMAP in your {provider} settings.", names), t("Show instructions")];
  const place = { href: one.page, target: "_blank", rel: "noopener noreferrer" };
  const out = el("a", place, action, " ", sign(externalLink, "i s"));
  return notice("unknown", [text, " ", out]);
}

/** Ask for the password that a link has at its provider now. True if it was taken. */
export async function newPassword(desk: Desk, one: LinkItem): Promise<boolean> {
  const done = await dialog<boolean>(t("New password for {name}", { name: one.name }), (close) => {
    const password = passwordLine();
    const doing = el("p", { class: "hint", role: "status" });
    const box = form([wanted(one), password.root, doing], t("Save"), async () => {
      fill(doing, t("Logging in to {host}…", { host: one.host }));
      try {
        await desk.client.link_set_password(one.name, password.control.value);
        close(true);
      } catch (error) {
        atFields(error, { password });
      } finally {
        fill(doing);
      }
    });
    return [box.root, buttons(() => close(false))];
  });
  return done === true;
}

function passwordLine() {
  return line(t("Password"), "", t("Stored encrypted. Only used to connect to this account."), {
    type: "password",
    autocomplete: "off",
    autofocus: "",
  });
}

/** The row of buttons below a form, with one to give up. */
export function buttons(giveUp: () => void, ...others: Child[]): HTMLElement {
  return el(
    "div",
    { class: "dialog-buttons" },
    el("button", { class: "btn", type: "button", onclick: giveUp }, t("Cancel")),
    others,
  );
}

/** A name for the mailbox here: of the provider, or of the domain. */
function nameOf(address: string, found: FoundServers | null): string {
  if (found !== null && found.provider !== "") return found.provider;
  const label = address.slice(address.lastIndexOf("@") + 1).split(".")[0] ?? "";
  return `${label.slice(0, 1).toUpperCase()}${label.slice(1)}`;
}
