// A rule that the webmail begins, and the account app shows to be completed: what they hand over in the address of the page.

/** A condition, as the account app's calls have it. */
export interface GivenCondition {
  readonly part: "from" | "to" | "subject" | "text" | "list" | "larger" | "attachment";
  readonly test: "contains" | "is" | "begins" | "ends";
  readonly value: string;
}

/** The conditions of a new rule. */
export interface GivenRule {
  readonly match: "all" | "any";
  readonly conditions: readonly GivenCondition[];
}

const parts: readonly string[] = ["from", "to", "subject", "text", "list", "larger", "attachment"];
const tests: readonly string[] = ["contains", "is", "begins", "ends"];

/** Maximum number of conditions of a rule. */
const most = 50;

/** The address of the page that shows a new rule; `account` is that of the account app, `address` one of the reader's own, "" for the
 * first. */
export function newRuleAt(account: string, address: string, rule: GivenRule): string {
  return `${account}#rules/${encodeURIComponent(address || "-")}/${encodeURIComponent(JSON.stringify(rule))}`;
}

/** The rule in the address of a page; null for another text, which any page can lead to. */
export function givenRule(text: string | undefined): GivenRule | null {
  if (text === undefined) return null;
  try {
    const { match, conditions } = JSON.parse(text) as Partial<GivenRule>;
    if (!Array.isArray(conditions) || conditions.length > most) return null;
    const all = (conditions as readonly GivenCondition[]).map(({ part, test, value }) => ({ part, test, value }));
    const valid = all.every(
      ({ part, test, value }) => parts.includes(part) && tests.includes(test) && typeof value === "string",
    );
    return valid ? { match: match === "any" ? "any" : "all", conditions: all } : null;
  } catch {
    return null;
  }
}
