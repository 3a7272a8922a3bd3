// The checks of types that calls alone have: the stream, and so the first view, needs none of them (WEBMAIL-24).

export { rest } from "../../gen/webmailrest";
