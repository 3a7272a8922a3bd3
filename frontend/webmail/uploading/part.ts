// Sending files: of a message that is being written, and of people and events. A photo that tells a place says so (WEBMAIL-97a).

import { el } from "../../lib/dom";
import { withoutPlace } from "../../lib/photoplace";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import sheet from "./uploading.css";

export { FileUpload, UploadAborted } from "../../lib/upload";

adopt(sheet);

/** Show in the card of a photo that it tells where it was taken, with a button that puts the photo without it in its place. */
export async function offerPlace(file: File, card: HTMLElement, replace: (photo: File) => void): Promise<void> {
  // a file that can't be read can't be uploaded, which its card says
  const photo = await withoutPlace(file).catch(() => null);
  if (photo === null || card.querySelector(".file-place") !== null) return;
  const run = () => {
    const cards = card.parentElement!;
    replace(photo);
    cards.querySelector<HTMLElement>(".file:last-child .file-remove")?.focus();
  };
  card.append(
    el(
      "div",
      { class: "file-place" },
      el("span", {}, t("This photo says where it was taken")),
      el("button", { type: "button", class: "btn text small", onclick: run }, t("Remove location")),
    ),
  );
}
