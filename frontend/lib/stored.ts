// What this browser remembers: the only code that writes to its storage, which may have no room.

/** Remember a value; false if there's no room for it, and the value of before stays. */
export function remember(key: string, value: string, storage = localStorage): boolean {
  try {
    storage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}
