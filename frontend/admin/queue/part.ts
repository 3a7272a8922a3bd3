// The queue: messages that wait, hold rules, finished messages, webhooks, suppressions.

import type { Desk, PagePart } from "../ui/page";
import { finishedPage } from "./finished";
import { rulesPage } from "./rules";
import { suppressionsPage } from "./suppressions";
import { waitingPage } from "./waiting";
import { webhooksPage } from "./webhooks";

async function queuePage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  switch (desk.address.path[0]) {
    case "rules":
      return rulesPage(desk);
    case "finished":
      return finishedPage(desk);
    case "webhooks":
      return webhooksPage(desk);
    case "suppressions":
      return suppressionsPage(desk);
    default:
      return waitingPage(desk);
  }
}

export const pages: PagePart["pages"] = { queue: queuePage };
