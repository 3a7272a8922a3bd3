// Addresses with their domains as A-labels.

import type { Address } from "../../gen/webmail";
import { bareAddress } from "../ui/format";

/** The addresses with A-labels, as DNS has them; "" if they look the same as the shown ones (WEBMAIL-75). */
export function asciiDomains(addresses: Address[]): string {
  const ascii = (host: string) =>
    /^[\x00-\x7f]*$/.test(host) || !URL.canParse(`http://${host}`) ? host : new URL(`http://${host}`).hostname;
  if (addresses.every(({ host }) => ascii(host) === host)) return "";
  return addresses.map((one) => bareAddress({ ...one, host: ascii(one.host) })).join(", ");
}
