// The checks of all calls but the stream's and the form's, with the types that they alone have, and how these calls are made on a bad
// network: the first view needs none of them (WEBMAIL-24).

import { once } from "../../gen/webmailrest";
import { steadily } from "../../lib/steady";

export { calls, checks } from "../../gen/webmailrest";

export const steady = steadily(once);
