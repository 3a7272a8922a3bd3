// The details of a message (WEBMAIL-76, WEBMAIL-77): its checks, the reason for its mailbox, its record and its parts.

import type { Client, MessageDetails, MessageItem, ParsedMessage } from "../../gen/webmail";
import { attempt, dialog } from "../../lib/dialogs";
import { type Child, el, isolated } from "../../lib/dom";
import { size } from "../../lib/numbers";
import { adopt } from "../../lib/sheets";
import { meant, t } from "../../lib/words";
import { isOwn } from "../data/mailboxes";
import { fullTime } from "../ui/format";
import sheet from "./details.css";
import { reasonOf } from "./reasons";

adopt(sheet);

type Part = ParsedMessage["structure"];

/** Fetch the details and show them. The arrival of a message in a shared mailbox is for the owner only. */
export async function openDetails(
  client: Client,
  base: string,
  item: MessageItem,
  parsed: ParsedMessage,
): Promise<void> {
  let found: MessageDetails | null = null;
  await attempt(t("Loading…"), t("Couldn't load details"), async () => {
    found = isOwn(item.id) ? await client.message_details(item.id) : { arrival: null, reason: "", why: [] };
  });
  if (found === null) return;
  const details: MessageDetails = found;
  const facts = (rows: readonly (readonly [string, string])[]) =>
    el(
      "dl",
      { class: "details-facts" },
      rows
        .filter(([, value]) => value !== "")
        .map(([name, value]) => [el("dt", {}, name), el("dd", { dir: "auto" }, isolated(value))]),
    );
  const section = (title: string, ...content: Child[]) => el("section", {}, el("h3", {}, title), content);
  const part = (one: Part): HTMLElement => {
    const url = (kind: string) => `${base}msg/${item.id}/${kind}/${one.path}`;
    const link = (kind: string, label: string) =>
      el("a", { href: url(kind), target: "_blank", rel: "noopener" }, label);
    const leaf = one.parts.length === 0;
    return el(
      "li",
      {},
      `${one.content_type} · ${size(one.size)}${one.filename === "" ? "" : ` · ${isolated(one.filename)}`} `,
      leaf && [
        link("view", t("open")),
        " ",
        link("viewtext", t("as text")),
        " ",
        el("a", { href: url("download") }, t("download")),
      ],
      !leaf && el("ul", {}, one.parts.map(part)),
    );
  };
  await dialog<void>(t("Message details"), (close) => [
    el(
      "div",
      { class: "details" },
      details.arrival !== null &&
        section(
          t("Delivery"),
          facts([
            [
              t("Sending server"),
              `${details.arrival.remote_ip}${details.arrival.ehlo === "" ? "" : ` (${details.arrival.ehlo})`}`,
            ],
            [t("Envelope sender"), details.arrival.mail_from || t("none (bounce or report)")],
            [t("Recipient address"), details.arrival.rcpt_to],
            [t("Sender's domain (SPF)"), details.arrival.mail_from_ok ? t("passed") : t("not verified")],
            [t("Signed by (DKIM)"), details.arrival.signed_by.join(", ") || meant("signature", "none")],
            [t("Encrypted in transit"), details.arrival.tls || t("no")],
            [t("Time"), fullTime(item.received)],
          ]),
        ),
      details.reason !== "" &&
        section(
          t("Why this message is here"),
          el("p", {}, reasonOf(details.reason)),
          el("details", {}, el("summary", {}, t("All checks")), el("pre", {}, details.why.map(isolated).join("\n"))),
        ),
      section(
        t("Record"),
        facts([
          [t("Number"), String(item.id)],
          [t("UID"), String(item.uid)],
          [t("Change number"), String(item.modseq)],
          [t("Conversation"), String(item.thread_id)],
          [t("Size"), size(item.size)],
          [t("Flags"), [...item.flags, ...item.keywords].join(" ")],
        ]),
      ),
      section(t("Parts"), el("ul", { class: "details-parts" }, part(parsed.structure))),
    ),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "primary", autofocus: true, onclick: () => close() }, t("Close")),
    ),
  ]);
}
