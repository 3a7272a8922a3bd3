// Views that follow changes which others make.

/** Milliseconds without another change before a view is loaded again, and between two loads. */
export const quiet = 500;

/** Milliseconds until a load that failed is tried again; each further one waits twice as long. */
const [again, longest] = [5_000, 60_000];

export interface Following {
  /** Something has changed. */
  changed(): void;
  /** Load no more. */
  end(): void;
}

/** Load a view again when it has changed and no further change came for `quiet` ms: one load at a time, however many changes there
 * were. Its failure opens no dialog, as the user asked for nothing: `failed` is called with true, and with false once a load
 * succeeds. */
export function follow(load: () => Promise<unknown>, failed: (now: boolean) => void): Following {
  let [timer, running, stale, ended, wait] = [0, false, false, false, again];
  const after = (milliseconds: number) => {
    clearTimeout(timer);
    if (!ended) timer = window.setTimeout(() => void run(), milliseconds);
  };
  const run = async () => {
    running = true;
    stale = false;
    try {
      await load();
      wait = again;
      failed(false);
      if (stale) after(quiet);
    } catch {
      failed(true);
      after(wait);
      wait = Math.min(2 * wait, longest);
    } finally {
      running = false;
    }
  };
  return {
    changed() {
      stale = true;
      if (!running) after(quiet);
    },
    end() {
      ended = true;
      clearTimeout(timer);
    },
  };
}
