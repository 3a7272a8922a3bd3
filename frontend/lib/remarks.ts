// Texts of the server within its results, in the reader's language (WEBMAIL-143).

import type { Told } from "./language";
import { told } from "./words";

export async function inWord<T extends { readonly message: string }>(text: T): Promise<T> {
  return text.message === "" ? text : { ...text, ...(await told(text as T & Told)) };
}
