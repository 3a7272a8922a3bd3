// The section for importing and exporting mail as files.

import type { Client } from "../gen/account";
import { el } from "../lib/dom";
import { t } from "../lib/words";
import { Exporting } from "./exporting";
import { Importing } from "./importing";

export class Transfer {
  readonly title = t("Import and export");
  readonly root: HTMLElement;
  private readonly importing: Importing;
  private readonly exporting: Exporting;

  /** `changed` is called when an import has added mail. */
  constructor(client: Client, base: string, changed: () => void) {
    this.exporting = new Exporting(client, base);
    this.importing = new Importing(client, base, () => {
      changed();
      void this.exporting.show();
    });
    this.root = el("div", { class: "transfer" }, el("h1", {}, this.title), this.importing.root, this.exporting.root);
  }

  async show(): Promise<void> {
    await Promise.all([this.importing.show(), this.exporting.show()]);
  }
}
