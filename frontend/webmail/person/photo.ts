// The photo of a contact in its form (WEBMAIL-128b): chosen, and made small enough in the browser.

import { el, fill } from "../../lib/dom";
import { t } from "../../lib/words";
import { face } from "../people/photo";

/** Pixels of the longer side of a photo, and its octets at most, as the server takes it. */
const most = 256;
const octets = 128 * 1024;

/** A field with the photo of a contact. `read`: base64 of a new one, "" to take it away, null if it stays. */
export function photoField(
  base: string,
  photo: string,
  name: string,
  key: string,
): { root: HTMLElement; read: () => string | null } {
  let chosen: string | null = null;
  const shown = el("span", {});
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const file = el("input", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp", hidden: true });
  const choose = el("button", { class: "btn line", type: "button", onclick: () => file.click() });
  const remove = el(
    "button",
    {
      class: "btn line",
      type: "button",
      onclick: () => {
        chosen = photo === "" ? null : "";
        draw();
        choose.focus();
      },
    },
    t("Remove photo"),
  );
  const draw = () => {
    const has = chosen === null ? photo !== "" : chosen !== "";
    const disc = face(base, chosen === null ? photo : "", name, key);
    if (chosen) fill(disc, el("img", { src: `data:image/jpeg;base64,${chosen}`, alt: "" }));
    fill(shown, disc);
    choose.textContent = has ? t("Change photo…") : t("Add photo…");
    remove.hidden = !has;
  };
  file.addEventListener("change", () => {
    const [picture] = file.files ?? [];
    file.value = "";
    if (picture === undefined) return;
    scaled(picture).then(
      (data) => {
        error.hidden = true;
        chosen = data;
        draw();
      },
      () => {
        error.hidden = false;
        error.textContent = t("This image can't be displayed.");
      },
    );
  });
  draw();
  return {
    root: el("div", { class: "person-photo" }, shown, choose, remove, file, error),
    read: () => chosen,
  };
}

/** The photo that a contact has, as `contact_save` takes it; "" without one. */
export async function pictureOf(base: string, photo: string): Promise<string> {
  if (photo === "") return "";
  const found = await (await fetch(`${base}photo/${photo}`)).blob();
  if (found.size > octets) return scaled(found);
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",", 2)[1]!));
    reader.addEventListener("error", () => reject(reader.error ?? new Error(reader.result as string)));
    reader.readAsDataURL(found);
  });
}

/** The picture, at most `most` pixels high and wide and `octets` large, in base64. */
async function scaled(file: Blob): Promise<string> {
  const picture = await createImageBitmap(file);
  const by = Math.min(1, most / Math.max(picture.width, picture.height));
  const canvas = el("canvas", {
    width: String(Math.max(1, Math.round(picture.width * by))),
    height: String(Math.max(1, Math.round(picture.height * by))),
  });
  const context = canvas.getContext("2d")!;
  // a JPEG has no see-through parts, which would be black
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  for (const quality of [0.85, 0.6, 0.3]) {
    const data = canvas.toDataURL("image/jpeg", quality).split(",", 2)[1]!;
    if ((data.length * 3) / 4 <= octets) return data;
  }
  throw new Error("too large");
}
