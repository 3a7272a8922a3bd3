// Answers while away, forwarding, and Sieve scripts.

import type { MakePage } from "../ui/page";
import { away } from "./away";
import { forwarding } from "./forwarding";
import { scripts } from "./scripts";

export const pages: Readonly<Record<string, MakePage>> = { away, forwarding, scripts };
