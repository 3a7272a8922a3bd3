// Finding commands, by name or by key.

import { adopt } from "../../lib/sheets";
import picker from "../../lib/picker.css";
import sheet from "./palette.css";

adopt(picker);
adopt(sheet);

export { openPalette, showKeys, showTitles } from "../../lib/palette";
