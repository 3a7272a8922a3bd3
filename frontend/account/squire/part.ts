// Squire, for signatures and templates with formatting.

export { Squire } from "../../webmail/squire/part";
