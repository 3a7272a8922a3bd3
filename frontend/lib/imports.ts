// Modules that a page loads later.

/** The module at an address. If it can't be loaded, it's fetched once more, past what the browser keeps: a proxy, or a network that wants a
 * log-in, may have answered with its own page. */
export function load(path: string): Promise<unknown> {
  return import(path).catch(() => import(`${path}?${Date.now()}`));
}
