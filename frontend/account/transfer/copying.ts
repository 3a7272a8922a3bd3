// Import from another IMAP server: the form, the choice of mailboxes, the progress with its buttons, and the result.

import type { Copying as Found, PlannedMailbox } from "../../gen/account";
import { attempt, confirm } from "../../lib/dialogs";
import { el, fill, placed } from "../../lib/dom";
import { atFields, choice, form, line } from "../../lib/fields";
import { duration } from "../../lib/numbers";
import { button, card, foreign, meter } from "../../lib/pages";
import { redraw } from "../../lib/press";
import { inWord } from "../../lib/remarks";
import { notice } from "../../lib/states";
import { locale, mailboxName, many, t } from "../../lib/words";
import type { Desk } from "../ui/page";

/** Milliseconds between two looks at how far the import is. */
const period = 1000;
/** Mailboxes of the plan with a check box; the rest is copied. */
const shownMailboxes = 500;

const security = [
  ["implicit", t("TLS (port 993)")],
  ["starttls", t("STARTTLS (port 143)")],
  ["none", t("No encryption (port 143)")],
] as const;

export class Copying {
  readonly root = el("div", { class: "copying" });
  private timer = 0;
  private phase = "";
  /** The source names of mailboxes that are left out. */
  private readonly leftOut = new Set<string>();

  constructor(private readonly desk: Desk) {
    desk.onLeave(() => clearTimeout(this.timer));
  }

  /** Read the state, show it, and follow it while something happens. */
  async show(): Promise<void> {
    clearTimeout(this.timer);
    const found = await inWords(await this.desk.client.copy_state());
    // a form or choice that is shown keeps what was typed
    const keep =
      found.phase === this.phase && ["none", "looked", "paused", "done", "failed", "aborted"].includes(found.phase);
    if (!keep) await redraw(this.root, () => this.draw(found));
    if (this.phase !== found.phase && this.phase === "running") void this.desk.recount();
    this.phase = found.phase;
    if (found.phase === "looking" || found.phase === "running")
      this.timer = window.setTimeout(() => void this.again(), period);
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

  private draw(found: Found): void {
    const title = t("From another mail server");
    switch (found.phase) {
      case "none":
        fill(
          this.root,
          card(title, this.ask(found), {
            hint: t(
              "Copies folders and messages over IMAP, with dates and flags. Your mail there won't change. Copying again won't create duplicates.",
            ),
          }),
        );
        return;
      case "looking":
        fill(
          this.root,
          card(title, [
            where(found),
            el("p", { role: "status" }, t("Loading folders…")),
            noted(found),
            this.buttons(found),
          ]),
        );
        return;
      case "looked":
        fill(this.root, card(title, [where(found), this.choose(found)]));
        return;
      case "running":
      case "paused":
        fill(
          this.root,
          card(title, [where(found), progress(found), noted(found), problems(found), this.buttons(found)]),
        );
        return;
      default:
        fill(
          this.root,
          card(title, [
            where(found),
            result(found),
            problems(found),
            el(
              "div",
              { class: "flex wrap gap" },
              button(t("Close"), () => void this.act(() => this.desk.client.copy_dismiss())),
            ),
          ]),
        );
    }
  }

  private ask(found: Found): HTMLElement {
    const last = found.known[0];
    const hosts = el(
      "datalist",
      { id: "copy-hosts" },
      found.known.map((one) => el("option", { value: one.host })),
    );
    const users = el(
      "datalist",
      { id: "copy-users" },
      found.known.map((one) => el("option", { value: one.user })),
    );
    const host = line(t("Server"), last?.host ?? "", t("For example, imap.example.org"), {
      list: "copy-hosts",
      inputmode: "url",
      autocapitalize: "none",
    });
    const tls = choice(
      t("Encryption"),
      security.filter(([value]) => value !== "none" || found.insecure),
      "implicit",
    );
    const port = line(t("Port"), "", t("Leave blank to use the default."), { inputmode: "numeric", maxlength: "5" });
    const user = line(t("Username"), last?.user ?? "", t("Usually your full email address."), {
      list: "copy-users",
      autocapitalize: "none",
    });
    const password = line(
      t("Password"),
      "",
      t("Kept in memory during the import and never saved. Some providers require an app password."),
      { type: "password", autocomplete: "off" },
    );
    const prefix = line(t("Parent folder"), "", t("Leave blank to keep the same folder structure."));
    const since = line(t("Only messages since"), "", t("Leave blank to import all messages."), { type: "date" });
    const box = form(
      [
        hosts,
        users,
        el(
          "div",
          { class: "fields" },
          host.root,
          tls.root,
          port.root,
          user.root,
          password.root,
          prefix.root,
          since.root,
        ),
      ],
      t("Choose folders"),
      async () => {
        const number = port.control.value.trim() === "" ? 0 : Number(port.control.value);
        if (!Number.isInteger(number) || number < 0 || number > 65535) {
          port.problem(t("Enter a port from 1 to 65535."));
          return;
        }
        try {
          await this.desk.client.copy_look({
            host: host.control.value,
            port: number,
            tls: tls.control.value as "implicit" | "starttls" | "none",
            user: user.control.value,
            password: password.control.value,
            prefix: prefix.control.value,
            since: since.control.value === "" ? null : `${since.control.value}T00:00:00Z`,
          });
        } catch (error) {
          atFields(error, { host, tls, port, user, password, prefix, since });
          return;
        }
        this.leftOut.clear();
        await this.show();
      },
    );
    return box.root;
  }

  private choose(found: Found): HTMLElement {
    if (found.plan.length === 0)
      return el(
        "div",
        {},
        notice("ok", t("You already have all messages from this server.")),
        el(
          "div",
          { class: "flex wrap gap" },
          button(
            t("Close"),
            () => void this.act(() => this.desk.client.copy_abort().then(() => this.desk.client.copy_dismiss())),
          ),
        ),
      );
    const chosen = el("p", { class: "hint", role: "status" });
    const go = button(t("Import"), () => void this.act(() => this.desk.client.copy_go_on([...this.leftOut])), {
      kind: "primary",
    });
    const count = () => {
      const taken = found.plan.filter((one) => !this.leftOut.has(one.source));
      const fresh = taken.reduce((sum, one) => sum + one.new, 0);
      fill(
        chosen,
        t("{mailboxes}, {messages}", {
          mailboxes: many(taken.length, "{n} folder", "{n} folders"),
          messages: many(fresh, "{n} new message", "{n} new messages"),
        }),
      );
      go.disabled = taken.length === 0;
    };
    const rows = found.plan.slice(0, shownMailboxes).map((one) => this.row(one, count));
    const more = found.plan.length - rows.length;
    count();
    return el(
      "div",
      { class: "gap" },
      el(
        "fieldset",
        { class: "group boxes" },
        el("legend", {}, t("Copy these folders")),
        rows,
        more > 0 && el("p", { class: "hint" }, many(more, "and {n} more", "and {n} more")),
      ),
      chosen,
      el(
        "div",
        { class: "flex wrap gap" },
        go,
        button(t("Cancel"), () => void this.act(() => this.desk.client.copy_abort()), { kind: "line" }),
      ),
    );
  }

  private row(one: PlannedMailbox, changed: () => void): HTMLElement {
    const box = el("input", { type: "checkbox" });
    box.checked = !this.leftOut.has(one.source);
    box.addEventListener("change", () => {
      if (box.checked) this.leftOut.delete(one.source);
      else this.leftOut.add(one.source);
      changed();
    });
    const renamed = one.source !== one.target && !(one.source.toUpperCase() === "INBOX" && one.target === "Inbox");
    return el(
      "label",
      { class: "check" },
      box,
      el(
        "span",
        { class: "grow" },
        foreign(one.source),
        renamed && el("span", { class: "hint" }, " → ", foreign(one.target)),
      ),
      el(
        "span",
        { class: "hint" },
        one.new === one.messages
          ? many(one.messages, "{n} message", "{n} messages")
          : t("{new} of {all} new", {
              new: one.new.toLocaleString(locale()),
              all: one.messages.toLocaleString(locale()),
            }),
      ),
    );
  }

  private buttons(found: Found): HTMLElement {
    const client = this.desk.client;
    return el(
      "div",
      { class: "flex wrap gap" },
      found.phase === "running" && button(t("Pause"), () => void this.act(() => client.copy_pause())),
      found.phase === "paused" &&
        button(t("Continue"), () => void this.act(() => client.copy_go_on(null)), { kind: "primary" }),
      button(t("Stop import"), () => void this.end(), { kind: "line danger" }),
    );
  }

  private async end(): Promise<void> {
    if (
      await confirm(
        t("Stop this import?"),
        t("You'll keep the copied messages. You can start another import later to continue."),
        t("Stop import"),
      )
    )
      await this.act(() => this.desk.client.copy_abort());
  }

  private async act(work: () => Promise<unknown>): Promise<void> {
    await attempt(t("Updating…"), t("Couldn't update import"), work);
    await this.show();
  }
}

/** The state with the server's texts in the reader's language. */
async function inWords(found: Found): Promise<Found> {
  const [note, error, ...problems] = await Promise.all([found.note, found.error, ...found.problems].map(inWord));
  return { ...found, note: note!, error: error!, problems };
}

/** Whose mail or calendars are copied, and from which server. */
export function where(found: { readonly user: string; readonly host: string }): HTMLElement {
  return el(
    "p",
    { class: "gap" },
    el("b", {}, foreign(found.user)),
    " ",
    t("at"),
    " ",
    el("b", {}, foreign(found.host)),
  );
}

function progress(found: Found): HTMLElement {
  const share = found.all > 0 && found.left >= 0 ? 1 - found.left / found.all : 0;
  const rest =
    found.seconds > 0 && found.phase === "running" ? t("about {time} left", { time: duration(found.seconds) }) : "";
  const place =
    found.mailbox === ""
      ? null
      : placed(
          many(found.total, "{mailbox}: {done} of {n} message", "{mailbox}: {done} of {n} messages", {
            done: found.done,
          }),
          { mailbox: foreign(mailboxName(found.mailbox)) },
        );
  return el(
    "div",
    { class: "gap" },
    meter(share),
    el(
      "p",
      { class: "hint", role: "status" },
      found.phase === "paused"
        ? t("Paused. If you don't continue within a day, the import will end.")
        : [`${Math.floor(share * 100)} %`, rest].filter((one) => one !== "").join(" · "),
    ),
    found.phase === "running" && place !== null && el("p", {}, place),
    found.messages > 0 && el("p", {}, many(found.messages, "{n} message copied", "{n} messages copied")),
  );
}

function noted(found: Found): HTMLElement | null {
  return found.note.message === "" ? null : notice("warn", foreign(found.note.message));
}

function result(found: Found): HTMLElement {
  const copied = many(found.messages, "{n} message copied", "{n} messages copied");
  const flags = many(found.flags, "Flags changed on {n} more message.", "Flags changed on {n} more messages.");
  if (found.phase === "done")
    return notice("ok", [t("Import finished. {copied}.", { copied }), found.flags > 0 && ` ${flags}`]);
  if (found.phase === "aborted") return notice("off", t("Import stopped. {copied}.", { copied }));
  return notice("danger", [foreign(found.error.message), found.messages > 0 && el("span", {}, ` ${copied}.`)]);
}

function problems(found: Found): HTMLElement | null {
  if (found.problems.length === 0) return null;
  const more = found.problem_count - found.problems.length;
  return el(
    "details",
    { class: "problems" },
    el(
      "summary",
      {},
      many(
        Math.max(found.problem_count, found.problems.length),
        "{n} problem (view skipped items)",
        "{n} problems (view skipped items)",
      ),
    ),
    el(
      "ul",
      {},
      found.problems.map(({ message }) => el("li", {}, foreign(message))),
      more > 0 && el("li", {}, t("and {n} more", { n: more })),
    ),
  );
}
