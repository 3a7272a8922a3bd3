// Parsing of mailto: addresses (RFC 6068). They come from any page: they may fill in a message that the user then sees, but
// nothing is sent by itself (WEBMAIL-119).

import type { Party } from "../../gen/webmail";
import { parseParties } from "./parties";

export interface Asked {
  to: Party[];
  cc: Party[];
  bcc: Party[];
  subject: string;
  text: string;
  in_reply_to: string;
}

const maxParties = 1000;
const [maxLine, maxText] = [1_000, 100_000];

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** One line, without control characters, which no header may contain. */
function line(text: string): string {
  return text
    .replace(/[\x00-\x1f\x7f]+/g, " ")
    .trim()
    .slice(0, maxLine);
}

/** The supported fields of the address; others are ignored. */
export function parseMailto(address: string): Asked {
  // browsers put an encoded address behind `#compose `
  const url = /^mailto%3a/i.test(address) ? decoded(address) : address;
  const [addresses = "", ...rest] = url.replace(/^mailto:/i, "").split("?");
  const asked: Asked = { to: [], cc: [], bcc: [], subject: "", text: "", in_reply_to: "" };
  const add = (list: Party[], text: string) => {
    const room = maxParties - asked.to.length - asked.cc.length - asked.bcc.length;
    const found = parseParties(text.replace(/[\x00-\x1f\x7f]+/g, " "));
    list.push(...found.slice(0, Math.max(0, room)));
  };
  add(asked.to, addresses.split(",").map(decoded).join(","));
  for (const field of rest.join("?").split("&")) {
    const at = field.indexOf("=");
    const value = decoded(field.slice(at + 1));
    const name = at > 0 ? decoded(field.slice(0, at)).toLowerCase() : "";
    if (name === "to" || name === "cc" || name === "bcc") add(asked[name], value);
    else if (name === "subject") asked.subject = line(value);
    else if (name === "in-reply-to") asked.in_reply_to = line(value);
    else if (name === "body")
      asked.text = value
        .replace(/\r\n?/g, "\n")
        .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "")
        .slice(0, maxText);
  }
  return asked;
}
