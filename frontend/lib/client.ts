// Calls to the server: JSON by POST, checked on both sides, repeated after a log-in if the session has expired.

import { type Check, type Checks, verify } from "./check";
import { t, told } from "./words";

export type { Checks } from "./check";

/** A mistake in a value: its name or path in the form, "" for the form as a whole. */
export interface FieldProblem {
  readonly field: string;
  readonly text: string;
}

/** The server refused a call, or did not answer. `code` is "" when there was no answer. */
export class CallFailed extends Error {
  constructor(
    readonly call: string,
    readonly code: string,
    message: string,
    /** Mistakes in single values, with their places in the form. */
    readonly fields: readonly FieldProblem[] = [],
  ) {
    super(message);
  }
}

/** The code of a failed call: "" if there was no answer, null for an error that is not a failed call. Lazy parts have their own
 * copies of the classes, so they cannot use instanceof. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string"
    ? error.code
    : null;
}

/** The mistakes in single values that a failed call names. */
export function fieldsOf(error: unknown): readonly FieldProblem[] {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}

/** The message of an error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Makes a call by requests, which `post` sends with a function such as `fetch`. `waits`: the call is kept for later if it has no
 * answer. */
export type Steady = (
  call: string,
  body: string,
  post: (ask: typeof fetch) => Promise<unknown>,
  waits: boolean,
) => Promise<unknown>;

/** Asks the user to log in, with the reason that the server gave; resolves after the log-in. */
export type LogIn = (reason: string) => Promise<void>;

/** Milliseconds for the call before each connection of the webmail. Other calls wait as `steady` does. */
const connectDeadline = 10_000;

const unauthenticated = new Set(["user:noAuth", "user:badAuth"]);

export abstract class BaseClient {
  /** CSRF token, sent with each call; a foreign page cannot know it. */
  csrfToken = "";
  /** Called for each call without an answer, before it fails. */
  unanswered: (call: string) => void = () => {};
  /** Asks for the password or a second factor again, for a sensitive call; false if the user gives up (WEB-63a). */
  confirmAgain: () => Promise<boolean> = async () => false;
  /** Makes a call by `run`. What works without a connection has another way then (WEBMAIL-121). */
  through: (call: string, given: readonly unknown[], run: (waits?: boolean) => Promise<unknown>) => Promise<unknown> = (
    _,
    __,
    run,
  ) => run();
  /** How calls are made on a bad network (`steady.ts`). */
  steady: Steady = (_, __, post) => post(fetch);
  /** Loads the checks of the calls that the table lacks, with their types, for the first such call. A page whose table is whole
   * never asks. */
  declare furtherChecks: () => Promise<{ readonly checks: Checks; readonly calls: Calls; readonly steady: Steady }>;
  private confirming: Promise<boolean> | null = null;
  private loggingIn: Promise<void> | null = null;

  constructor(
    private readonly base: string,
    private table: Checks,
    private readonly logIn: LogIn,
  ) {}

  protected abstract calls: Calls;

  /** Check a value that came otherwise, by the table of this client. */
  verify(check: Check, value: unknown, path: string): void {
    verify(this.table, check, value, path);
  }

  /** The call of this name, as the methods of `clientOf` make it. `given`: the values of the parameters, in the order of their checks. */
  async call<T>(name: string, given: readonly unknown[]): Promise<T> {
    if (!(name in this.calls)) {
      const further = await this.furtherChecks();
      this.table = { ...this.table, ...further.checks };
      this.calls = { ...this.calls, ...further.calls };
      this.steady = further.steady;
    }
    const [checks, result] = this.calls[name]!;
    const parameters: Record<string, unknown> = {};
    for (const [key, check] of Object.entries(checks)) {
      parameters[key] = given[Object.keys(parameters).length];
      verify(this.table, check, parameters[key], `${name}: ${key}`);
    }
    const body = JSON.stringify(parameters);
    for (;;) {
      try {
        const value = await this.through(name, given, (waits = false) =>
          this.steady(name, body, (ask) => this.post(name, body, ask), waits),
        );
        verify(this.table, result, value, `${name}: result`);
        return value as T;
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        if (error.code === "user:confirm") {
          if (!(await this.confirmed())) throw error;
          continue;
        }
        if (!unauthenticated.has(error.code)) throw error;
        await this.again(error.message);
      }
    }
  }

  /** One log-in for all calls that wait for it. */
  async again(reason: string): Promise<void> {
    this.loggingIn ??= this.logIn(reason).finally(() => {
      this.loggingIn = null;
    });
    await this.loggingIn;
  }

  /** One confirmation for all calls that wait for it. */
  private confirmed(): Promise<boolean> {
    this.confirming ??= this.confirmAgain().finally(() => {
      this.confirming = null;
    });
    return this.confirming;
  }

  private async post(name: string, body: string, ask: typeof fetch): Promise<unknown> {
    let status = 0;
    let answer: { result?: unknown; error?: { code: string; message: string; fields?: FieldProblem[] } };
    try {
      const response = await ask(`${this.base}api/${name}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-moxlite-csrf": this.csrfToken },
        body,
        credentials: "same-origin",
        signal: name === "token" ? AbortSignal.timeout(connectDeadline) : null,
      });
      ({ status } = response);
      answer = await response.json();
    } catch {
      this.unanswered(name);
      // a proxy sends 502, 503 or 504 if it cannot reach the server
      const reached = status !== 0 && (status < 502 || status > 504);
      throw new CallFailed(
        name,
        "",
        reached
          ? t("Unexpected server response ({status}).", { status: String(status) })
          : t("Can't reach the server."),
      );
    }
    if (!answer.error) return answer.result;
    const error = await told(answer.error);
    throw new CallFailed(name, error.code, error.message, error.fields);
  }
}

/** Calls by their names: the checks of the parameters, in their order, and of the result. */
export type Calls = Readonly<Record<string, readonly [checks: Record<string, Check>, result: Check]>>;

/** The class of clients with all calls as methods, whose types are `T`. The checks of calls that are not among these are loaded by
 * the first of them: so the first load has not even their names. */
export function clientOf<T>(calls: Calls): new (...given: ConstructorParameters<typeof BaseClient>) => BaseClient & T {
  class Generated extends BaseClient {
    protected override calls = calls;
  }
  const methods = new Proxy(BaseClient.prototype, {
    get: (base, name: string, client: Generated) =>
      // `await` asks each object for `then`
      name in base || name === "then"
        ? Reflect.get(base, name, client)
        : (...given: unknown[]) => client.call(name, given),
  });
  Object.setPrototypeOf(Generated.prototype, methods);
  return Generated as never;
}
