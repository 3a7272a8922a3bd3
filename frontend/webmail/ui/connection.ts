// The line that reports a lost connection: the reason, and the next attempt (WEBMAIL-46).

import { el, fill } from "../../lib/dom";
import { effect } from "../../lib/signal";
import { t } from "../../lib/words";
import type { Connection, Stream } from "../data/stream";
import type { Mail } from "../state/mail";

const sentences: Record<Connection, string> = {
  on: "",
  connecting: t("Connecting…"),
  off: t("Not connected. Reconnecting…"),
};

/** The line; hidden while the page is connected. */
export function connectionLine(mail: Pick<Mail, "connection">, stream: Pick<Stream, "retry">): HTMLElement {
  const words = el("span");
  const button = el("button", { onclick: () => stream.retry() }, t("Try now"));
  const line = el("div", { class: "offline", role: "status" }, words, button);
  effect(() => {
    const state = mail.connection.value;
    line.hidden = state === "on";
    button.hidden = state === "connecting";
    fill(words, sentences[state]);
  });
  return line;
}
