// The second step of a log-in, and the question for the password before a sensitive action, as a part: the log-in form comes
// first, and most log-ins need neither.

import { askConfirm as confirm, type ConfirmClient } from "../../lib/confirm";
import sheet from "../../lib/factors.css";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";

adopt(sheet);

/** Ask for the password again, before mail is taken out of the account. */
export const askConfirm = (client: ConfirmClient): Promise<boolean> =>
  confirm(client, t("To export mail, enter your password again."));

export { confirmBack } from "../../lib/provider";
export { secondStepForm } from "../../lib/secondstep";
