// The delivery status of a sent message (WEBMAIL-138): one line, which opens to a row for each recipient.

import type { Client, Delivery, MessageItem } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { redraw } from "../../lib/press";
import { inWord } from "../../lib/remarks";
import { adopt } from "../../lib/sheets";
import { locale, many, t } from "../../lib/words";
import sheet from "./sent.css";

adopt(sheet);

/** Milliseconds until the call is repeated if the server could not be reached. */
const again = 10_000;
/** Milliseconds after sending in which a message without a status may still be on its way to the queue. */
const fresh = 600_000;

/** Milliseconds after delivery in which a host may still return a notice that it refused the message after all. */
const objections = 60_000;

const waiting = new Set<Delivery["state"]>(["queued", "trying", "held"]);
const states: Record<Delivery["state"], string> = {
  queued: t("waiting"),
  trying: t("being delivered"),
  held: t("on hold"),
  delivered: t("delivered"),
  relayed: t("relayed"),
  failed: t("failed"),
  canceled: t("canceled"),
};
const ways: Record<string, string> = {
  dane: t("encrypted and verified (DANE)"),
  sts: t("encrypted and verified (MTA-STS)"),
  "dane sts": t("encrypted and verified (DANE, MTA-STS)"),
  verified: t("encrypted and verified"),
  opportunistic: t("encrypted"),
  clear: t("not encrypted"),
};

function time(text: string): string {
  return new Date(text).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

/** The status in one line: the worst state first. */
export function summary(all: readonly Delivery[]): string {
  const counts = new Map<Delivery["state"], number>();
  for (const one of all) counts.set(one.state, (counts.get(one.state) ?? 0) + 1);
  const order: Delivery["state"][] = ["failed", "held", "trying", "queued", "canceled", "relayed", "delivered"];
  const parts = order
    .filter((state) => counts.has(state))
    .map((state) =>
      all.length === 1 ? states[state] : t("{n} {state}", { n: counts.get(state)!, state: states[state] }),
    );
  const line = parts.join(", ");
  return line.charAt(0).toLocaleUpperCase() + line.slice(1);
}

/** Details about one recipient besides the state. */
export function detail(one: Delivery): string[] {
  const lines: string[] = [];
  if (one.ended !== null) lines.push(time(one.ended));
  if (one.next_attempt !== null) lines.push(t("next attempt {time}", { time: time(one.next_attempt) }));
  if (one.attempts > 1) lines.push(many(one.attempts, "{n} attempt", "{n} attempts"));
  if ((one.state === "delivered" || one.state === "relayed") && ways[one.tls] !== undefined) lines.push(ways[one.tls]!);
  return lines;
}

/** Resolves when the page is visible. A browser opens six connections to a host, and waiting calls in hidden tabs would take them
 * from the visible tab. */
async function inSight(): Promise<void> {
  while (document.hidden)
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

/** Show the status in `root`, and update it as long as `root` is part of the page. */
export async function follow(
  client: Client,
  { id: messageId, received }: MessageItem,
  root: HTMLElement,
): Promise<void> {
  const sent = Date.parse(received);
  let seen = "";
  while (root.isConnected) {
    await inSight();
    try {
      const report = await client.delivery_status(messageId, seen);
      const recipients = await Promise.all(report.recipients.map(inWords));
      if (report.seen !== seen) await redraw(root, () => draw(client, root, recipients));
      seen = report.seen;
      // the status of a message that was just sent is not known for a moment
      const settled = report.recipients.length > 0 || Date.now() - sent > fresh;
      const ended = Math.max(sent, ...report.recipients.map((one) => Date.parse(one.ended ?? received)));
      if (settled && Date.now() - ended > objections && report.recipients.every((one) => !waiting.has(one.state)))
        return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, again));
    }
  }
}

async function inWords(one: Delivery): Promise<Delivery> {
  return { ...one, advice: await inWord(one.advice) };
}

function draw(client: Client, root: HTMLElement, all: readonly Delivery[]): void {
  root.hidden = all.length === 0;
  const left = all.filter((one) => waiting.has(one.state));
  const open = root.querySelector("details")?.open ?? all.some((one) => one.state === "failed" || one.error !== "");
  const ids = left.map((one) => one.id);
  fill(
    root,
    el(
      "details",
      { class: "deliveries", open },
      el("summary", {}, summary(all)),
      el("ul", {}, all.map(row)),
      ids.length > 0 &&
        el(
          "p",
          {},
          el(
            "button",
            { onclick: () => void attempt(t("Retrying…"), t("Couldn't retry"), () => client.delivery_retry(ids)) },
            t("Try now"),
          ),
          " ",
          el(
            "button",
            {
              class: "danger",
              onclick: () =>
                void attempt(t("Canceling…"), t("Couldn't cancel delivery"), () => client.delivery_cancel(ids)),
            },
            t("Cancel delivery"),
          ),
        ),
    ),
  );
}

function row(one: Delivery): HTMLElement {
  const facts = detail(one);
  return el(
    "li",
    { class: `delivery ${one.state}`, title: one.host },
    el("b", { dir: "auto" }, one.recipient),
    " ",
    [states[one.state], ...facts].join(" · "),
    one.error !== "" && el("div", { class: "delivery-error", title: one.reply }, one.error),
    one.advice.message !== "" && el("div", { class: "delivery-advice" }, one.advice.message),
  );
}
