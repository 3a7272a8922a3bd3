// The address of the page says what is open: `#Inbox` or `#Inbox,123` (WEBMAIL-63).

export interface Place {
  /** Name of the mailbox. */
  readonly name: string;
  /** Id of the message, 0 for none. */
  readonly message: number;
}

export function parsePlace(hash: string): Place {
  const value = hash.replace(/^#/, "");
  const comma = value.lastIndexOf(",");
  const number = comma < 0 ? 0 : Number(value.slice(comma + 1));
  const message = Number.isSafeInteger(number) && number > 0 ? number : 0;
  try {
    return { name: decodeURIComponent(message > 0 ? value.slice(0, comma) : value) || "Inbox", message };
  } catch {
    return { name: "Inbox", message: 0 };
  }
}

export function writePlace({ name, message }: Place): string {
  return `#${encodeURIComponent(name)}${message > 0 ? `,${message}` : ""}`;
}
