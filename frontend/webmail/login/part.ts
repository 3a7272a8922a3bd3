// The log-in form as a part: browsers with a session need not load it.

import steps from "../../lib/factors.css";
import sheet from "../../lib/login.css";
import { adopt } from "../../lib/sheets";

adopt(sheet + steps);

export { askLogIn } from "../../lib/login";
