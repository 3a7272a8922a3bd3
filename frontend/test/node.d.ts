// Declarations of the parts of Node that the tests use; they are not worth a dependency on its types.

declare module "node:test" {
  export default function test(name: string, run: (context: TestContext) => void | Promise<void>): void;

  /** `timers`: a clock that a test advances, milliseconds. */
  export interface TestContext {
    readonly mock: {
      readonly timers: { enable(options: { apis: string[] }): void; tick(time: number): void; reset(): void };
    };
  }
}

declare module "node:assert/strict" {
  const assert: {
    equal(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    ok(value: unknown, message?: string): void;
    throws(work: () => unknown, expected?: RegExp): void;
    rejects(work: Promise<unknown>, expected?: RegExp): Promise<void>;
  };
  export default assert;
}

declare function setImmediate(work: (value?: unknown) => void): void;

declare const process: {
  readonly env: Record<string, string | undefined>;
  /** Microseconds of processor time. */
  cpuUsage(): { user: number };
};

declare module "node:crypto" {
  export function createHash(name: "sha256"): { update(text: string): { digest(form: "hex"): string } };
}
