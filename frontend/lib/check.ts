// Run-time checks of values from the network, by tables that are generated with the types.

export type Check =
  | "any"
  | "null"
  | "boolean"
  | "integer"
  | "number"
  | "string"
  | "time"
  | readonly ["list", Check]
  | readonly ["map", Check]
  | readonly ["nullable", Check]
  | readonly ["optional", Check]
  | readonly ["enum", readonly (string | number | null)[]]
  | readonly ["ref", string]
  | readonly ["union", Readonly<Record<string, string>>];

export type Checks = Readonly<Record<string, Readonly<Record<string, Check>>>>;

/** A value does not have the declared type; the message names its path. */
export class CheckFailed extends Error {}

/** Throw CheckFailed unless `value` passes. `path` names the value in messages. */
export function verify(table: Checks, check: Check, value: unknown, path: string): void {
  if (typeof check === "string") {
    if (!scalar(check, value)) throw new CheckFailed(`${path}: ${check} expected`);
    return;
  }
  switch (check[0]) {
    case "list":
      if (!Array.isArray(value)) throw new CheckFailed(`${path}: list expected`);
      for (const [i, item] of value.entries()) verify(table, check[1], item, `${path}[${i}]`);
      return;
    case "map":
      if (!isObject(value)) throw new CheckFailed(`${path}: object expected`);
      for (const [key, item] of Object.entries(value)) verify(table, check[1], item, `${path}.${key}`);
      return;
    case "nullable":
      if (value !== null) verify(table, check[1], value, path);
      return;
    case "optional":
      if (value !== undefined) verify(table, check[1], value, path);
      return;
    case "enum":
      if (!check[1].some((allowed) => allowed === value))
        throw new CheckFailed(`${path}: one of ${check[1].join(", ")} expected`);
      return;
    case "ref":
      fields(table, check[1], value, path);
      return;
    case "union": {
      const kind = isObject(value) ? value["kind"] : undefined;
      const name = typeof kind === "string" ? check[1][kind] : undefined;
      if (name === undefined) throw new CheckFailed(`${path}: kind is unknown`);
      fields(table, name, value, path);
    }
  }
}

function fields(table: Checks, name: string, value: unknown, path: string): void {
  if (!isObject(value)) throw new CheckFailed(`${path}: object expected`);
  const type = table[name];
  if (type === undefined) throw new CheckFailed(`${path}: the type ${name} is unknown`);
  for (const [field, check] of Object.entries(type)) verify(table, check, value[field], `${path}.${field}`);
}

function scalar(check: string, value: unknown): boolean {
  switch (check) {
    case "any":
      return true;
    case "null":
      return value === null;
    case "integer":
      return Number.isSafeInteger(value);
    case "time":
      return typeof value === "string" && !Number.isNaN(Date.parse(value));
    default:
      return typeof value === check;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
