// The log-in form: who has a session does without.

import sheet from "../../lib/login.css";
import { adopt } from "../../lib/sheets";

adopt(sheet);

export { askLogIn } from "../../lib/login";
