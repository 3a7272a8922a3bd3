// The second step of a log-in, and the question for the password before a sensitive action, as a part: the log-in form comes
// first, and most log-ins need neither.

import sheet from "../../lib/factors.css";
import { adopt } from "../../lib/sheets";

adopt(sheet);

export { askConfirm } from "../../lib/confirm";
export { confirmBack } from "../../lib/provider";
export { secondStepForm } from "../../lib/secondstep";
