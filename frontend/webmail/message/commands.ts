// Commands for the message that is read. They come with its part, after the list.

import type { Command } from "../../lib/commands";
import { t } from "../../lib/words";
import type { Desk } from "../commands/desk";
import { senderCommands } from "../commands/sender";
import type * as EventPart from "../event/part";

/** Commands for the message that is read (WEBMAIL-48). */
export function messageCommands(desk: Desk): Command[] {
  const shown = () => desk.shown() !== null;
  const scroll = (id: string, title: string, by: number, keys: string[]): Command => ({
    id,
    title,
    keys,
    quiet: true,
    when: shown,
    run: () => desk.scrollMessage(by),
  });
  const several = () => (desk.opened()?.together.length ?? 0) > 1;
  return [
    ...senderCommands(desk, () => desk.reading()),
    {
      id: "message.event",
      title: t("Create event"),
      when: shown,
      run: () => void desk.load<typeof EventPart>("event").then((found) => found.eventOf(desk)),
    },
    {
      id: "message.print",
      title: t("Print message"),
      keys: ["ctrl p"],
      when: () => desk.opened() !== null,
      run: () => desk.opened()?.print(),
    },
    {
      id: "message.print-thread",
      title: t("Print conversation"),
      when: several,
      run: () => desk.opened()?.printThread(),
    },
    {
      id: "message.thread-text",
      title: t("Open conversation as text"),
      when: several,
      run: () => desk.opened()?.openThread(),
    },
    {
      id: "message.download",
      title: t("Download message"),
      when: () => desk.opened() !== null,
      run: () => desk.opened()?.download(),
    },
    {
      id: "message.download-thread",
      title: t("Download conversation"),
      when: several,
      run: () => desk.opened()?.downloadThread(),
    },
    { id: "message.text", title: t("Show plain text"), keys: ["t"], when: shown, run: () => desk.opened()?.showText() },
    {
      id: "message.html",
      title: t("Show HTML (repeat for full HTML)"),
      keys: ["T"],
      when: shown,
      run: () => desk.opened()?.showHTML(),
    },
    {
      id: "message.headers",
      title: t("Show all headers"),
      keys: ["ctrl i"],
      when: shown,
      run: () => desk.opened()?.toggleHeaders(),
    },
    {
      id: "message.tab",
      title: t("Open message in new tab"),
      keys: ["o"],
      when: shown,
      run: () => desk.opened()?.openTab(),
    },
    {
      id: "message.raw",
      title: t("View source"),
      keys: ["O"],
      when: shown,
      run: () => desk.opened()?.openRaw(),
    },
    { id: "message.details", title: t("Details"), keys: ["I"], when: shown, run: () => desk.opened()?.openDetails() },
    {
      id: "message.attachments",
      title: t("View attachments"),
      keys: ["v"],
      when: () => (desk.reading()?.attachments.length ?? 0) > 0,
      run: () => desk.opened()?.openAttachments(),
    },
    {
      id: "message.focus",
      title: t("Move focus to message"),
      keys: ["ctrl m"],
      quiet: true,
      when: shown,
      run: () => desk.focusMessage(),
    },
    scroll("message.scroll-down", t("Scroll message down"), 0.75, ["alt j", "alt ArrowDown"]),
    scroll("message.scroll-up", t("Scroll message up"), -0.75, ["alt k", "alt ArrowUp"]),
    scroll("message.scroll-end", t("Scroll to end"), Infinity, ["alt J"]),
    scroll("message.scroll-top", t("Scroll to top"), -Infinity, ["alt K"]),
  ];
}
