// Protection of mail to an address on its way: five bars beside an address where something is wrong (WEBMAIL-94), and the choice of
// TLS that follows (WEBMAIL-95).

import type { Client, Security } from "../../gen/webmail";
import { el } from "../../lib/dom";
import { t } from "../../lib/words";

const names: readonly (readonly [keyof Security, string])[] = [
  ["starttls", t("STARTTLS, based on the last connection")],
  ["mtasts", t("Enforced MTA-STS policy")],
  ["dnssec", t("DNSSEC on its mail servers")],
  ["dane", t("DANE on its main mail server")],
  ["requiretls", t("REQUIRETLS, based on the last connection")],
];
const words: Record<Security["dane"], string> = {
  yes: t("yes"),
  no: t("no"),
  error: t("couldn't check"),
  "": t("unknown"),
};

export class Ways {
  private readonly known = new Map<string, Promise<Security>>();

  constructor(private readonly client: Client) {}

  /** Look up the domain of an address; each domain once, and again if that failed. */
  ask(address: string): Promise<Security> {
    const domain = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
    let way = this.known.get(domain);
    if (way === undefined) {
      way = this.client.recipient_security(address);
      this.known.set(domain, way);
      way.catch(() => this.known.delete(domain));
    }
    return way;
  }
}

/** The bars of an address, which are seen where mail went there without TLS, or a check failed. */
export function bars(way: Promise<Security>): HTMLElement {
  const root = el(
    "span",
    { class: "bars", role: "img", hidden: true },
    names.map(() => el("i", {})),
  );
  way.then(
    (found) => {
      root.replaceChildren(...names.map(([name]) => el("i", { class: found[name] })));
      root.title = names.map(([name, title]) => `${title}: ${words[found[name]]}`).join("\n");
      root.setAttribute("aria-label", root.title);
      root.hidden = found.starttls !== "no" && !Object.values(found).includes("error");
    },
    () => root.remove(),
  );
  return root;
}

/** Whether mail to all recipients can be encrypted and verified all the way, so that TLS can be required. */
export function canRequire(ways: readonly (Security | null)[]): boolean {
  return (
    ways.length > 0 &&
    ways.every((way) => way !== null && way.requiretls === "yes" && (way.mtasts === "yes" || way.dane === "yes"))
  );
}
