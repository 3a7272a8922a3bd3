// The log-in form, as a part: browsers with a session need not load it.

import { sweepCopies } from "../../lib/beside";
import sheet from "../../lib/login.css";
import { logInForm } from "../../lib/login";
import { adopt } from "../../lib/sheets";
import { otherAccounts } from "./accounts";

adopt(sheet);

/** The form, which gets what few log-ins need from the page. */
export const askLogIn: typeof logInForm = (asked, further) => {
  sweepCopies();
  return logInForm({ ...asked, below: [...asked.below, ...otherAccounts()] }, further);
};
