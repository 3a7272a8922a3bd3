// Answers while away, and Sieve scripts.

import type { MakePage } from "../ui/page";
import { away } from "./away";
import { scripts } from "./scripts";

export const pages: Readonly<Record<string, MakePage>> = { away, scripts };
