// Where commands are looked for, by name or by key.

import { adopt } from "../../lib/sheets";
import sheet from "./palette.css";

adopt(sheet);

export { openPalette, showKeys, showTitles } from "../../lib/palette";
