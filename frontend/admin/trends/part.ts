// Trends: plots of the last days with their tables; each bar leads to the list behind it.

import type { PagePart } from "../ui/page";
import { dayPage } from "./day";
import { loginsPage } from "./logins";
import { limitsPage } from "./limits";
import { trendsPage } from "./plots";

export const pages: PagePart["pages"] = {
  trends: (desk) => {
    switch (desk.address.path[0]) {
      case "day":
        return dayPage(desk, Number(desk.address.path[1] ?? 0));
      case "logins":
        return loginsPage(desk, desk.address.query.get("network") ?? "");
      case "limits":
        return limitsPage(desk);
      default:
        return trendsPage(desk);
    }
  },
};
