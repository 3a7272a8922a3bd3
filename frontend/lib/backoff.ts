// Waits between attempts to connect, each about twice as long as the one before, with jitter (WEBMAIL-46).

/** Upper bounds of the first and of the longest wait, milliseconds. */
const [first, longest] = [2_000, 60_000];

export class Backoff {
  private bound = first;

  /** `random` returns numbers from 0 up to, but not including, 1. */
  constructor(private readonly random: () => number = Math.random) {}

  /** Milliseconds until the next attempt: between half and all of the current bound, which then doubles. */
  next(): number {
    const wait = this.bound * (0.5 + this.random() / 2);
    this.bound = Math.min(longest, 2 * this.bound);
    return wait;
  }

  /** Reset after a successful attempt: the next wait is short again. */
  reset(): void {
    this.bound = first;
  }
}
