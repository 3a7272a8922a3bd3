// Failures that the code of a page does not expect.

import { showError } from "./dialogs";
import { t } from "./words";

/** Show errors that are not handled elsewhere. */
export function watchFailures(): void {
  const tell = (error: unknown) =>
    void showError(
      t("Something went wrong on this page"),
      // SECURITY_ERR: the browser keeps nothing for this page
      (error as DOMException | null)?.code === 18 ? t("Allow cookies and site data for this page.") : error,
    );
  addEventListener("error", (event) => tell(event.error ?? event.message));
  addEventListener("unhandledrejection", (event) => tell(event.reason));
}
