// The editor of HTML that messages have, for signatures and templates with formatting.

export { openEditor } from "../../webmail/rich/part";
