// What is kept in this browser: one database of IndexedDB (WEBMAIL-121).

import { kept } from "../../lib/beside";

/** `facts`: by name. `lists`: rows by mailbox. `messages`: opened messages by id. `outbox`: calls in their order. */
const stores = ["facts", "lists", "messages", "outbox"] as const;
type Name = (typeof stores)[number];

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class Store {
  /** Whether the database is gone: it was removed by another page, or with the session. */
  private ended = false;

  private constructor(
    private readonly database: IDBDatabase,
    /** Called when the browser has no room for something; that is left out. */
    private readonly full: () => void,
  ) {
    // another page removes what is kept, or is of a newer version
    database.onversionchange = () => {
      this.ended = true;
      database.close();
    };
    database.onclose = () => {
      this.ended = true;
    };
  }

  /** Open the database, or make it. Rejects where the browser keeps nothing, as in some private windows. */
  static async open(full: () => void): Promise<Store> {
    const request = indexedDB.open(kept(), 2);
    request.onupgradeneeded = ({ oldVersion }) => {
      // messages without the addresses of an answer are fetched anew
      if (oldVersion === 1) request.transaction?.objectStore("messages").clear();
      else for (const name of stores) request.result.createObjectStore(name, { autoIncrement: name === "outbox" });
    };
    return new Store(await done(request), full);
  }

  private in(name: Name, mode: IDBTransactionMode = "readonly"): IDBObjectStore {
    return this.database.transaction(name, mode).objectStore(name);
  }

  /** The result of `read`; `nothing` if the database is gone. */
  private async reading<T>(nothing: T, read: () => Promise<T>): Promise<T> {
    try {
      return this.ended ? nothing : await read();
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.ended = true;
      return nothing;
    }
  }

  get<T>(name: Name, key: IDBValidKey): Promise<T | undefined> {
    return this.reading(undefined, () => done(this.in(name).get(key) as IDBRequest<T | undefined>));
  }

  all<T>(name: Name): Promise<T[]> {
    return this.reading([], () => done(this.in(name).getAll() as IDBRequest<T[]>));
  }

  keys(name: Name): Promise<number[]> {
    return this.reading([], () => done(this.in(name).getAllKeys() as IDBRequest<number[]>));
  }

  /** Keys with their values, in the order of the keys. */
  entries<T>(name: Name): Promise<Map<number, T>> {
    return this.reading(new Map(), async () => {
      const store = this.in(name);
      const [keys, values] = await Promise.all([
        done(store.getAllKeys() as IDBRequest<number[]>),
        done(store.getAll() as IDBRequest<T[]>),
      ]);
      return new Map(keys.map((key, i) => [key, values[i]!]));
    });
  }

  /** Remove an entry. */
  async delete(name: Name, key: IDBValidKey): Promise<void> {
    await this.reading(undefined, () => done(this.in(name, "readwrite").delete(key)));
  }

  /** Write a value, to the disk before this resolves; false if the browser has no room, or the database is gone. */
  async put(name: Name, value: unknown, key?: IDBValidKey): Promise<boolean> {
    if (this.ended) return false;
    try {
      const transaction = this.database.transaction(name, "readwrite", { durability: "strict" });
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
        transaction.objectStore(name).put(value, key);
      });
      return true;
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      // the database was closed: there is nothing to keep any more
      if (error.name === "InvalidStateError") this.ended = true;
      else this.full();
      return false;
    }
  }
}
