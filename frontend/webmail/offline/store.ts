// What is kept in this browser: one database of IndexedDB (WEBMAIL-121).

const databaseName = "moxlite-webmail";
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
  private constructor(
    private readonly database: IDBDatabase,
    /** Called when the browser has no room for something; that is left out. */
    private readonly full: () => void,
  ) {}

  /** Open the database, or make it. Rejects where the browser keeps nothing, as in some private windows. */
  static async open(full: () => void): Promise<Store> {
    const request = indexedDB.open(databaseName, 1);
    request.onupgradeneeded = () => {
      for (const name of stores) request.result.createObjectStore(name, { autoIncrement: name === "outbox" });
    };
    const database = await done(request);
    // another page removes what is kept, or is of a newer version
    database.onversionchange = () => database.close();
    return new Store(database, full);
  }

  /** Remove all that is kept. */
  static async remove(): Promise<void> {
    await done(indexedDB.deleteDatabase(databaseName));
  }

  private in(name: Name, mode: IDBTransactionMode = "readonly"): IDBObjectStore {
    return this.database.transaction(name, mode).objectStore(name);
  }

  get<T>(name: Name, key: IDBValidKey): Promise<T | undefined> {
    return done(this.in(name).get(key) as IDBRequest<T | undefined>);
  }

  all<T>(name: Name): Promise<T[]> {
    return done(this.in(name).getAll() as IDBRequest<T[]>);
  }

  keys(name: Name): Promise<number[]> {
    return done(this.in(name).getAllKeys() as IDBRequest<number[]>);
  }

  /** Keys with their values, in the order of the keys. */
  async entries<T>(name: Name): Promise<Map<number, T>> {
    const store = this.in(name);
    const [keys, values] = await Promise.all([
      done(store.getAllKeys() as IDBRequest<number[]>),
      done(store.getAll() as IDBRequest<T[]>),
    ]);
    return new Map(keys.map((key, i) => [key, values[i]!]));
  }

  /** Remove an entry; nothing happens if the browser has removed the database. */
  async delete(name: Name, key: IDBValidKey): Promise<void> {
    try {
      await done(this.in(name, "readwrite").delete(key));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
  }

  /** Write a value, to the disk before this resolves; false if the browser has no room. */
  async put(name: Name, value: unknown, key?: IDBValidKey): Promise<boolean> {
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
      this.full();
      return false;
    }
  }
}
