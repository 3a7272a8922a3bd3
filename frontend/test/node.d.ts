// Declarations of the parts of Node that the tests use; they are not worth a dependency on its types.

declare module "node:test" {
  export default function test(name: string, run: () => void | Promise<void>): void;
}

declare module "node:assert/strict" {
  const assert: {
    equal(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    ok(value: unknown, message?: string): void;
    throws(work: () => unknown, expected?: RegExp): void;
    rejects(work: Promise<unknown>): Promise<void>;
  };
  export default assert;
}

declare const process: {
  readonly env: Record<string, string | undefined>;
  /** Microseconds of processor time. */
  cpuUsage(): { user: number };
};
