// Drawing QR codes.

import type { QRCode } from "./factortypes";

/** A QR code: dark on light in both schemes, because many phones read no other. `label` names it for screen readers. */
export function qrDrawing(code: QRCode, label: string): SVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", `0 0 ${code.size} ${code.size}`);
  svg.setAttribute("class", "qr-code");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", code.path);
  svg.append(path);
  return svg;
}
