// The log-in form: who has a session does without.

export { askLogIn } from "../../lib/login";
