// Pulling the list down at its top asks the server for news (WEBMAIL-59a).

import { el, fill, sign } from "../../lib/dom";
import { refreshCw, wifiOff } from "../../lib/icons";
import { t } from "../../lib/words";

/** Pixels after which a pulled list asks the server. */
const enough = 90;
/** Pixels below which a touch is a tap. */
const least = 12;
/** Milliseconds after which a finger that rested has selected a row (part.ts). */
const longPress = 500;
/** Milliseconds that the page may take to connect; it goes on then, and the line above the list reports it. */
const patience = 15_000;
/** Milliseconds that the result is shown. */
const shownFor = 1_500;

/** A touch that may become a pull, or is one. */
interface Pull {
  readonly x: number;
  readonly y: number;
  readonly at: number;
  by: number;
}

/** Watch a list for pulls. `look` asks the server for news; the events "connected" and "disconnected" tell the result. */
export function pulls(list: HTMLElement, look: () => void): void {
  const words = el("span");
  const picture = el("span", { class: "pull-sign", "aria-hidden": "true" });
  const shown = el("div", { class: "pull", role: "status" }, picture, words);
  let pull: Pull | null = null;
  let asking = false;
  let hiding = 0;

  const say = (text: string, path = refreshCw) => {
    if (!shown.isConnected) {
      shown.style.top = `${list.offsetTop + 10}px`;
      list.after(shown);
    }
    if (words.textContent === text) return;
    fill(picture, sign(path));
    fill(words, text);
  };
  const follow = (by: number) => {
    shown.style.setProperty("--pull", `${Math.min(by, enough)}px`);
    shown.classList.toggle("far", by >= enough);
  };
  const hide = () => {
    shown.remove();
    fill(words);
  };
  const ask = () => {
    asking = true;
    say(t("Checking for new messages…"));
    shown.classList.add("asking");
    const end = (text: string, path?: string) => {
      removeEventListener("connected", found);
      removeEventListener("disconnected", failed);
      clearTimeout(hiding);
      asking = false;
      shown.classList.remove("asking", "far");
      say(text, path);
      hiding = window.setTimeout(hide, shownFor);
    };
    const found = () => end(t("Up to date"));
    const failed = () => end(t("Not connected"), wifiOff);
    addEventListener("connected", found);
    addEventListener("disconnected", failed);
    hiding = window.setTimeout(failed, patience);
    look();
  };

  list.addEventListener(
    "touchstart",
    (event) => {
      const [finger] = event.touches;
      pull = null;
      if (asking || finger === undefined || event.touches.length > 1 || list.scrollTop > 0) return;
      clearTimeout(hiding);
      hide();
      pull = { x: finger.clientX, y: finger.clientY, at: event.timeStamp, by: 0 };
    },
    { passive: true },
  );
  // the browser does not scroll at the top, so nothing is prevented here
  list.addEventListener(
    "touchmove",
    (event) => {
      const [finger] = event.touches;
      if (pull === null || finger === undefined) return;
      const by = finger.clientY - pull.y;
      const aside = finger.clientX - pull.x;
      if (pull.by === 0 && Math.hypot(by, aside) < least) return;
      // sideways is a swipe, upwards a scroll; the finger may have rested before, which selects
      const begins = by > Math.abs(aside) && event.timeStamp - pull.at < longPress && event.touches.length === 1;
      if (pull.by === 0 && !begins) {
        pull = null;
        return;
      }
      pull.by = Math.max(1, by);
      say(by >= enough ? t("Release to refresh") : t("Pull to refresh"));
      follow(pull.by);
    },
    { passive: true },
  );
  list.addEventListener("touchend", () => {
    if (pull === null) return;
    const { by } = pull;
    pull = null;
    if (by >= enough) ask();
    else hide();
  });
  list.addEventListener("touchcancel", () => {
    if (pull !== null) hide();
    pull = null;
  });
}
