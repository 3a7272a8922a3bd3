// Import and export: as files, and from other servers.

import { el } from "../../lib/dom";
import { head } from "../../lib/pages";
import { t } from "../../lib/words";
import { CalendarCopies } from "./calendars";
import { Copying } from "./copying";
import { Exporting } from "./exporting";
import { Importing } from "./importing";
import type { MakePage } from "../ui/page";

const transfer: MakePage = async (desk) => {
  const exporting = new Exporting(desk.client, desk.base);
  const importing = new Importing(desk.client, desk.base, () => {
    void desk.recount();
    void exporting.show();
  });
  const copying = new Copying(desk);
  const calendars = new CalendarCopies(desk);
  await Promise.all([importing.show(), exporting.show(), copying.show(), calendars.show()]);
  return {
    title: t("Import and export"),
    root: el(
      "div",
      { class: "page transfer" },
      head(t("Import and export"), ""),
      copying.root,
      calendars.root,
      importing.root,
      exporting.root,
    ),
  };
};

export const pages: Readonly<Record<string, MakePage>> = { transfer };
