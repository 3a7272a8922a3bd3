// Exporting mail: a form that the browser posts, so that the file is saved to disk without passing through the page.

import type { Client, Mailbox } from "../../gen/account";
import { showError } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { size } from "../../lib/numbers";
import { visible } from "../../lib/pages";
import { mailboxName, many, t } from "../../lib/words";

export class Exporting {
  readonly root = el("section", { class: "card", "aria-labelledby": "export-title" });
  private readonly csrf = el("input", { type: "hidden", name: "csrf" });
  private readonly mailbox = el("select", { name: "mailbox", onchange: () => this.adapt() });
  private readonly names = el("datalist", { id: "mailbox-names" });
  private readonly recursive = el("input", {
    type: "checkbox",
    name: "recursive",
    value: "1",
    checked: true,
    onchange: () => this.adapt(),
  });
  private readonly mbox = el("input", {
    type: "radio",
    name: "format",
    value: "mbox",
    checked: true,
    onchange: () => this.adapt(),
  });
  private readonly maildir = el("input", {
    type: "radio",
    name: "format",
    value: "maildir",
    onchange: () => this.adapt(),
  });
  private readonly archive = el(
    "select",
    { name: "archive" },
    el("option", { value: "zip" }, t("zip archive")),
    el("option", { value: "tgz" }, t("tar.gz archive")),
    el("option", { value: "tar" }, t("tar archive, not compressed")),
  );
  private readonly none = el("option", { value: "none" }, t("single mbox file, no archive"));
  private readonly what = el("p", { class: "hint" });
  private readonly form: HTMLFormElement;
  private mailboxes: Mailbox[] = [];

  constructor(
    private readonly client: Client,
    base: string,
  ) {
    this.archive.append(this.none);
    this.form = el(
      "form",
      {
        class: "form",
        data: { fleeting: "" },
        method: "post",
        action: `${base}export`,
        onsubmit: (event: Event) => {
          event.preventDefault();
          void this.download();
        },
      },
      this.csrf,
      el(
        "div",
        { class: "fields" },
        el("label", { class: "field" }, t("Folder"), this.mailbox),
        el("label", { class: "field" }, t("File"), this.archive),
      ),
      el("label", { class: "check" }, this.recursive, t("Include subfolders")),
      el(
        "fieldset",
        { class: "group" },
        el("legend", {}, t("Format")),
        el("label", { class: "check" }, this.mbox, el("span", {}, t("mbox: one file per folder, for most mail apps"))),
        el(
          "label",
          { class: "check" },
          this.maildir,
          el("span", {}, t("Maildir: one directory per folder, one file per message")),
        ),
      ),
      this.what,
      el("div", { class: "flex wrap" }, el("button", { class: "btn primary", type: "submit" }, t("Download"))),
    );
    fill(
      this.root,
      el("h2", { id: "export-title" }, t("Export")),
      el(
        "p",
        { class: "hint" },
        t(
          "Messages are exported unchanged, with their flags, keywords, and received times. Mail you receive during the download won't be included.",
        ),
      ),
      this.form,
      this.names,
    );
  }

  /** Read the mailboxes. */
  async show(): Promise<void> {
    this.mailboxes = await this.client.mailboxes();
    const chosen = this.mailbox.value;
    fill(
      this.mailbox,
      el("option", { value: "" }, t("All folders")),
      this.mailboxes.map((mailbox) => el("option", { value: mailbox.name }, visible(mailboxName(mailbox.name)))),
    );
    this.mailbox.value = this.mailboxes.some((mailbox) => mailbox.name === chosen) ? chosen : "";
    fill(
      this.names,
      this.mailboxes.map((mailbox) => el("option", { value: mailbox.name })),
    );
    this.adapt();
  }

  /** Enable the possible combinations, and show the size of the chosen mail. */
  private adapt(): void {
    const name = this.mailbox.value;
    const below = this.mailboxes.filter((mailbox) => mailbox.name.startsWith(`${name}/`));
    this.recursive.disabled = name === "" || below.length === 0;
    const whole =
      name === ""
        ? this.mailboxes
        : this.mailboxes.filter((mailbox) => mailbox.name === name).concat(this.recursive.checked ? below : []);
    this.none.disabled = !this.mbox.checked || name === "" || whole.length !== 1;
    if (this.none.disabled && this.archive.value === "none") this.archive.value = "zip";
    const messages = whole.reduce((sum, mailbox) => sum + mailbox.total, 0);
    const octets = whole.reduce((sum, mailbox) => sum + mailbox.size, 0);
    fill(this.what, `${many(messages, "{n} message", "{n} messages")}, ${size(octets)}`);
  }

  /** Post the form. The mailboxes are read first: that shows the log-in form if the session has ended, or asks for the password. */
  private async download(): Promise<void> {
    const chosen = this.mailbox.value;
    try {
      await this.client.export_prep();
      await this.show();
    } catch (error) {
      await showError(t("Couldn't start export"), error);
      return;
    }
    if (this.mailbox.value !== chosen) {
      await showError(t("Couldn't start export"), t("This folder no longer exists."));
      return;
    }
    this.csrf.value = this.client.csrfToken;
    this.form.submit();
  }
}
