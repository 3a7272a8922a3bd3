// Files (WEBMAIL-184): the attachments of all mail or of a folder, the newest first; a view of mail with its row in the side bar.

import type { Attachment, FileList, Filter, MessageItem } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { type Child, el, fill, sign } from "../../lib/dom";
import { along } from "../../lib/direction";
import { download } from "../../lib/icons";
import { follow } from "../../lib/live";
import { size } from "../../lib/numbers";
import { adopt } from "../../lib/sheets";
import { mailboxName, meant, t } from "../../lib/words";
import type { Navigation, Place, Surroundings } from "../commands/desk";
import { kindOf, partOf } from "../message/attachments";
import { guardDownload } from "../offline/missing";
import { writePlace } from "../state/address";
import { fullTime, groupOf, shortAddress, shortTime } from "../ui/format";
import { emptyPlace, searchField, sideButton } from "../ui/placeview";
import type * as ViewerPart from "../viewer/part";
import sheet from "./files.css";

adopt(sheet);

type Page = Surroundings & Pick<Navigation, "openPlace" | "openSide" | "tellAddress">;
type Kind = NonNullable<Filter["attachments"]>;

let opened: (() => void) | null = null;

/** Open the files. */
export function openPage(page: Page): void {
  opened ??= makePage(page);
  opened();
}

function makePage(page: Page): () => void {
  const title = meant("place", "Files");
  const kinds: readonly (readonly [Kind, string])[] = [
    ["any", t("All types")],
    ["image", meant("files", "Images")],
    ["pdf", "PDF"],
    ["document", meant("files", "Documents")],
    ["spreadsheet", meant("files", "Spreadsheets")],
    ["presentation", meant("files", "Presentations")],
    ["archive", t("Compressed files")],
  ];
  const choice = (label: string, options: readonly (readonly [string | number, string])[]) =>
    el(
      "select",
      { class: "dialog-input", "aria-label": label, onchange: () => void show() },
      options.map(([value, words]) => el("option", { value }, words)),
    );
  const folder = choice(t("Folder"), [[-1, t("All folders")]]);
  const kind = choice(t("Type"), kinds);
  const search = searchField(t("Search files"), () => void show());
  const said = el("p", { class: "hint", role: "status" });
  const list = el("div", { class: "files-list" });
  const more = el("button", { class: "btn line", type: "button", hidden: true }, t("Show more"));
  const body = el("div", { class: "files-main" }, said, list, more);
  const view = el(
    "section",
    { class: "place-view files-view", "aria-label": title },
    el("header", { class: "place-head" }, sideButton(page), el("h1", { tabindex: "-1" }, title), search.root),
    el("div", { class: "files-tools" }, folder, kind),
    body,
  );
  const place: Place = { name: "mail", title, view };
  const names = new Map<number, string>();
  let after: FileList["after"] = null;
  let group = "";
  /** Number of what was asked for last: an answer to something else is void. */
  let turn = 0;

  const draw = ({ messages }: FileList, now: number) => {
    for (const message of messages) {
      const name = groupOf(message.received, now);
      if (name !== group) list.append(el("h2", {}, name), el("ul", { "aria-label": name }));
      group = name;
      list.lastElementChild!.append(...message.attachments.map((file) => row(page, message, file, names)));
    }
    settle();
  };
  const load = async (anew: boolean) => {
    const own = ++turn;
    const text = search.input.value.trim();
    const filter: Filter = { mailbox_id: Number(folder.value), attachments: kind.value as Kind };
    const narrow = text !== "" || kind.value !== "any" || folder.value !== "-1";
    // an answer may have none, when half a second was not enough
    let drawn = 0;
    do {
      const mark: FileList["after"] = anew ? null : after;
      const answer: FileList = await page.client.files(
        { filter: text === "" ? filter : { ...filter, filenames: [text] } },
        mark,
      );
      if (own !== turn) return;
      if (anew) {
        fill(list);
        group = "";
        if (filter.mailbox_id === -1) knowFolders(answer);
      }
      anew = false;
      after = answer.after;
      draw(answer, Date.now());
      drawn += answer.messages.length;
    } while (drawn === 0 && after !== null);
    more.hidden = after === null;
    if (list.firstChild === null)
      fill(
        list,
        emptyPlace(
          narrow
            ? { title: t("No files found") }
            : { title: t("No files"), text: t("Attachments you send and get appear here.") },
        ),
      );
  };
  const knowFolders = ({ mailboxes }: FileList) => {
    names.clear();
    for (const { id, name } of mailboxes) names.set(id, name);
    fill(
      folder,
      folder.options[0]!,
      mailboxes.map(({ id, name }) => el("option", { value: id }, mailboxName(name))),
    );
  };
  const show = () => attempt(t("Loading…"), t("Couldn't load files"), () => load(true));
  more.addEventListener("click", () => {
    const last = links().length;
    void attempt(t("Loading…"), t("Couldn't load files"), async () => {
      await load(false);
      links()[last]?.focus();
    });
  });

  // one stop of the Tab key: arrows go up and down, and to what a row has
  const links = () => [...list.querySelectorAll<HTMLElement>(".file-open")];
  let stop: HTMLElement | undefined;
  const settle = () => {
    const all = [...list.querySelectorAll<HTMLElement>("a")];
    if (stop === undefined || !all.includes(stop)) stop = all[0];
    for (const one of all) one.tabIndex = one === stop ? 0 : -1;
  };
  list.addEventListener("focusin", ({ target }) => {
    stop = target instanceof HTMLElement ? target : undefined;
    settle();
  });
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const rows = [...list.querySelectorAll("li")];
    const at = rows.findIndex((one) => one.contains(document.activeElement));
    if (at < 0) return;
    const own = [...rows[at]!.querySelectorAll<HTMLElement>("a")];
    const across = own.indexOf(document.activeElement as HTMLElement);
    const down: Record<string, number> = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1 };
    const to = { ...down, Home: 0, End: rows.length - 1 }[event.key];
    const aside = { ArrowLeft: across - 1, ArrowRight: across + 1 }[along(event.key)];
    const next =
      to !== undefined ? rows[to]?.querySelectorAll("a")[across] : aside !== undefined ? own[aside] : undefined;
    if (to === undefined && aside === undefined) return;
    event.preventDefault();
    next?.focus();
  });

  const live = follow(
    () => load(true),
    (failed) => fill(said, failed && t("Couldn't load the latest changes. Trying again…")),
  );
  // a list that the reader has scrolled or moved in stays as it is
  addEventListener("counts", () => {
    if (view.isConnected && body.scrollTop === 0 && !list.contains(document.activeElement)) live.changed();
  });
  return () => {
    page.openPlace(place);
    page.tellAddress("#files:");
    void show();
  };
}

function row(page: Page, message: MessageItem, file: Attachment, names: ReadonlyMap<number, string>): HTMLElement {
  const { base } = page;
  const [face, kind] = kindOf(file);
  const author = message.from.slice(0, 1).map(shortAddress).join("");
  const subject = message.subject || t("(no subject)");
  const open = el(
    "a",
    {
      class: "file-open",
      href: partOf({ base, id: message.id }, "view", file.path),
      target: "_blank",
      rel: "noopener",
    },
    el("span", { class: `file-face ${kind}`, "aria-hidden": "true" }, sign(face)),
    el("bdi", { class: "file-name", title: file.filename }, file.filename),
  );
  open.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void attempt(t("Loading…"), t("Couldn't open this item"), async () => {
      const { look } = await page.load<typeof ViewerPart>("viewer");
      await look(base, message, file.path);
    });
  });
  const words = t("Download {name}", { name: file.filename });
  const get = el(
    "a",
    {
      class: "file-get",
      href: partOf({ base, id: message.id }, "download", file.path),
      title: words,
      "aria-label": words,
    },
    sign(download),
  );
  guardDownload(get, base, message.id, () => file.path);
  const where = writePlace({ name: names.get(message.mailbox_id) ?? "", search: "", message: message.id });
  const facts: Child[] = [
    el(
      "a",
      { class: "file-message", href: where, title: t("Open message") },
      el("bdi", {}, author),
      author && " · ",
      el("bdi", {}, subject),
    ),
    el("span", { class: "file-size" }, size(file.size)),
    el("time", { title: fullTime(message.received) }, shortTime(message.received, Date.now(), true)),
  ];
  return el("li", { class: "file" }, open, ...facts, get);
}
