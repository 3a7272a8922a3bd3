// Names and limits of what the browser keeps, and what it may keep, shared by the page and its service worker.

import { kept } from "../../lib/beside";

/** The page and its parts. */
export const shellCache = `${kept()}-shell`;
/** HTML of messages. It exists while the user wants mail on this device. */
export const mailCache = `${kept()}-mail`;
/** Attached files of messages. It exists while the user wants mail on this device. */
export const fileCache = `${kept()}-files`;
/** Milliseconds between two messages, or files, that are fetched to be kept. */
export const apart = 150;
/** Address of a kept file in its cache; the server has none like it. */
export const fileKey = (base: string, id: number, path: string): string => `${base}msg/${id}/kept/${path}`;
/** Address of the page in place of a file that is not kept. */
export const missingKey = (base: string): string => `${base}msg/kept`;
/** Address of the page in place of the settings. */
export const awayKey = (base: string): string => `${base}settings/kept`;
/** Whether an answer is a page or file of a message, under the server's policy for what a stranger wrote. Pages with which a proxy, or a
 * network that wants a log-in, answers in its place have another policy or none. */
export const guarded = (answer: Response): boolean =>
  answer.headers.get("content-security-policy")?.includes("default-src 'none'") === true;
/** Messages that are kept. */
export const mostMessages = 200;
