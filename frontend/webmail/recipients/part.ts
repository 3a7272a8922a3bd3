// A field of recipients for forms outside of the composer, which has its own.

import { adopt } from "../../lib/sheets";
import sheet from "../compose/recipients.css";

export { Recipients } from "../compose/recipients";

adopt(sheet);
