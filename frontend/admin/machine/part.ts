// The machine and its process: network, routes, web server, log, configuration, metrics, backups, second machine.

import type { PagePart } from "../ui/page";
import { backupsPage } from "./backups";
import { logPage } from "./log";
import { networkPage, routesPage, webPage } from "./network";
import { configPage, metricsPage } from "./process";
import { standbyPage } from "./standby";

export const pages: PagePart["pages"] = {
  network: networkPage,
  routes: routesPage,
  web: webPage,
  log: logPage,
  config: configPage,
  metrics: metricsPage,
  backups: backupsPage,
  standby: standbyPage,
};
