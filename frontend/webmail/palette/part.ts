// Where commands are looked for, by name or by key.

export { openPalette, showKeys } from "../../lib/palette";
