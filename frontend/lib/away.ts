// What a tab keeps while it is at the login provider, for all apps at their start (WEB-181).

/** In the storage of the tab: what it went away for, whether the user asked to stay logged in, and the place of the page. */
export const awayKey = "moxlite-provider";

/** Be at the place again that the tab has left: a provider leads back without it. */
export function restorePlace(): void {
  const place = sessionStorage.getItem(awayKey)?.split(" ")[2];
  if (place && location.search !== "") history.replaceState(null, "", location.search + place);
}
