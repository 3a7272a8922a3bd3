// Names and limits of what the browser keeps, shared by the page and its service worker.

/** The page and its parts. */
export const shellCache = "moxlite-webmail-shell";
/** HTML of messages. It exists while the user wants mail on this device. */
export const mailCache = "moxlite-webmail-mail";
/** Messages that are kept. */
export const mostMessages = 200;
