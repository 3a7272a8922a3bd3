// Names and limits of what the browser keeps, shared by the page and its service worker.

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
/** Messages that are kept. */
export const mostMessages = 200;
