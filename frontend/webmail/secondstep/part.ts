// What few log-ins need, as a part: the second step, the way to a login provider and back, and the question for the password before a
// sensitive action.

import { askConfirm as confirm, type ConfirmClient } from "../../lib/confirm";
import sheet from "../../lib/factors.css";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";

adopt(sheet);

/** Ask for the password again, before mail is taken out of the account. */
export const askConfirm = (client: ConfirmClient): Promise<boolean> =>
  confirm(client, t("To export mail, enter your password again."));

export { answered, confirmBack, goAway, setProvided } from "../../lib/provider";
export { secondStepForm } from "../../lib/secondstep";
