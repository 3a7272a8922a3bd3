// The log-in form, and the question for the password that follows it, as a part: browsers with a session need not load it.

import steps from "../../lib/factors.css";
import sheet from "../../lib/login.css";
import { type AskLogIn, askLogIn as ask } from "../../lib/login";
import { adopt } from "../../lib/sheets";
import { otherAccounts } from "./accounts";

adopt(sheet + steps);

export { askConfirm } from "../../lib/confirm";
export { confirmBack } from "../../lib/provider";

export const askLogIn: AskLogIn = (app, reason, address, tryLogIn, below = [], stays = false, provider) =>
  ask(app, reason, address, tryLogIn, [...below, ...otherAccounts()], stays, provider);
