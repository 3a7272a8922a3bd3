// Two-step log-in of the administrator.

import { el } from "../../lib/dom";
import { factorsCard } from "../../lib/factors";
import { head } from "../../lib/pages";
import { t } from "../../lib/words";
import type { MakePage } from "../ui/page";

const twoStep: MakePage = async (desk) => {
  const title = t("Two-step log-in");
  const lost = el("p", { class: "hint" }, t("If every device is lost, run on the server: {command}", { command: "moxlite admin reset-second-factor" }));
  return { title, root: el("div", { class: "page" }, head(title, t("For log-ins to these pages.")), await factorsCard(desk.client, false), lost) };
};

export const pages: Readonly<Record<string, MakePage>> = { "two-step": twoStep };
