// Values that notify their readers of changes: all of the reactive machinery of the apps.
//
// `effect` runs its function and notes which values it reads; when one of them is another, it runs again, once per microtask
// however many have changed. `computed` is worked out when it is read, and tells only of another value.

export interface Readable<T> {
  /** The value. `effect` and `computed` functions that read it are notified of changes. */
  readonly value: T;
}

export interface Signal<T> extends Readable<T> {
  value: T;
}

class Reader {
  private readonly read = new Map<Source<unknown>, number>();

  constructor(readonly stale: () => void) {}

  /** Run `work`, and record the values that it reads. */
  follow<T>(work: () => T): T {
    this.forget();
    return untracked(work, this);
  }

  note(source: Source<unknown>): void {
    source.readers.add(this);
    this.read.set(source, source.version);
  }

  /** Whether a recorded value has changed since. */
  changed(): boolean {
    return [...this.read].some(([source, version]) => {
      source.refresh();
      return source.version !== version;
    });
  }

  forget(): void {
    for (const source of this.read.keys()) source.readers.delete(this);
    this.read.clear();
  }
}

class Source<T> implements Signal<T> {
  version = 0;
  readonly readers = new Set<Reader>();
  refresh = (): void => {};

  constructor(private current: T) {}

  get value(): T {
    this.refresh();
    reader?.note(this);
    return this.current;
  }

  set value(next: T) {
    if (this.put(next)) this.tell();
  }

  /** Set the value; returns whether it has changed. */
  put(next: T): boolean {
    const other = !Object.is(this.current, next);
    if (other) this.version++;
    this.current = next;
    return other;
  }

  tell = (): void => {
    for (const one of [...this.readers]) one.stale();
  };
}

let reader: Reader | null = null;
const waiting = new Set<() => void>();

/** Read values without subscribing to their changes. */
export function untracked<T>(work: () => T, by: Reader | null = null): T {
  const before = reader;
  reader = by;
  try {
    return work();
  } finally {
    reader = before;
  }
}

/** A value that can be set. */
export function signal<T>(first: T): Signal<T> {
  return new Source(first);
}

/** A value computed from others, when it is read. */
export function computed<T>(make: () => T): Readable<T> {
  const source = new Source<T | undefined>(undefined);
  let [fresh, made] = [false, false];
  const own = new Reader(() => {
    if (!fresh) return;
    fresh = false;
    source.tell();
  });
  source.refresh = () => {
    if (fresh) return;
    fresh = true;
    if (!made || own.changed()) source.put(own.follow(make));
    made = true;
  };
  return source as Readable<T>;
}

/** Run now, and again after each change of a value that was read, as long as the page exists. */
export function effect(work: () => void): void {
  const act = () => void (own.changed() && own.follow(work));
  const own = new Reader(() => {
    if (waiting.size === 0) queueMicrotask(settle);
    waiting.add(act);
  });
  own.follow(work);
}

/** Run pending effects now instead of in the next microtask. */
export function settle(): void {
  const acts = [...waiting];
  waiting.clear();
  for (const act of acts) act();
}
