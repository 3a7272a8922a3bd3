// Squire, the editor of HTML (docs/decisions/013). A part of its own: it is as large as a part may be.

import Squire from "squire-rte";

export { Squire };
