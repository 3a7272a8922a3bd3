// The log-in form as a part: browsers with a session need not load it.

import sheet from "../../lib/login.css";
import { adopt } from "../../lib/sheets";

adopt(sheet);

export { askLogIn } from "../../lib/login";
