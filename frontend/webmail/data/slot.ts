// The tabs of a browser that may hold a stream of server-sent events, counted by Web Locks (WEBMAIL-32).
//
// A browser opens six connections to a host by HTTP/1.1, and such a stream takes one of them for good. Three are left for calls.

/** Maximum number of tabs, all apps of the host together, that hold a stream of server-sent events. */
const most = 3;

export class Slot {
  private free: (() => void) | null = null;

  /** Take one of the slots until `release`, or until the page is gone. False if all are taken. If the browser cannot count (Web
   * Locks need https or localhost), returns `uncounted`. */
  async take(uncounted: boolean): Promise<boolean> {
    const { locks } = navigator as { locks?: LockManager };
    if (this.free !== null) return true;
    if (locks === undefined) return uncounted;
    for (let number = 1; number <= most; number++) {
      const free = await hold(locks, `moxlite-events-${number}`);
      if (free === null) continue;
      this.free = free;
      return true;
    }
    return false;
  }

  release(): void {
    this.free?.();
    this.free = null;
  }
}

/** Take the lock of this name; the result releases it. Null if another page has it. */
function hold(locks: LockManager, name: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) resolve(null);
        else return new Promise<void>((free) => resolve(free));
        return undefined;
      })
      .catch(reject);
  });
}
