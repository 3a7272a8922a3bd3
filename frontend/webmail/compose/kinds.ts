// Types of composing that commands and parts of the composer share.

import type { Client } from "../../gen/webmail";
import type { Toast, ToastAction } from "../../lib/toasts";

/** The kind of a new draft: a new message, an answer, a forward, … */
export type Kind = Parameters<Client["compose_prepare"]>[0];

/** Shows a message at the bottom; the page has one stack of them. */
export type Say = (text: string, action?: ToastAction, time?: number) => Toast;
