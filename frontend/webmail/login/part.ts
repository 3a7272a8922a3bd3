// The log-in form, and the question for the password that follows it, as a part: browsers with a session need not load it.

import steps from "../../lib/factors.css";
import sheet from "../../lib/login.css";
import { adopt } from "../../lib/sheets";

adopt(sheet + steps);

export { askConfirm } from "../../lib/confirm";
export { askLogIn } from "../../lib/login";
