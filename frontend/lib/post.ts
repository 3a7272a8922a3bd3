// A form that the browser posts; the answer is a file that is saved to disk.

import { el } from "./dom";

/** Post these fields. The answer is a download, so the page stays. */
export function postForm(action: string, fields: Record<string, string>): void {
  const form = el(
    "form",
    { method: "post", action, hidden: true },
    Object.entries(fields).map(([name, value]) => el("input", { type: "hidden", name, value })),
  );
  document.body.append(form);
  form.submit();
  form.remove();
}
