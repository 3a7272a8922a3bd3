// The checks of all calls but the stream's and the form's, with the types that they alone have: the first view needs none of them
// (WEBMAIL-24).

export { calls, checks } from "../../gen/webmailrest";
