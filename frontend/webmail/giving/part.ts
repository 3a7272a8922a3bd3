// The form of a calendar, and what it gives to others: to colleagues (DAV-48), by secret links (DAV-42), as files (DAV-49).

import type { Calendar, CollectionGuest } from "../../gen/webmail";
import { attempt, dialog } from "../../lib/dialogs";
import { type Child, el, fill, isolated } from "../../lib/dom";
import { choice, differing, type Field, once } from "../../lib/fields";
import { copyable } from "../../lib/pages";
import { adopt } from "../../lib/sheets";
import { many, t } from "../../lib/words";
import { colourChoice } from "../calendar/colours";
import { colourOf, colours, dayOf, shortDay } from "../calendar/days";
import { sourceOf, subscribe } from "../calendar/subscribing";
import type { Surroundings } from "../commands/desk";
import { archiveLink, exportLink, importFile } from "../ui/files";
import { sharing } from "../ui/sharing";
import sheet from "./giving.css";

export { showDeleted } from "../ui/deleted";
export { addZone, chooseZone } from "./zones";

adopt(sheet);

/** Change a calendar, or make one; `again` draws them anew. */
export async function editCalendar(
  page: Pick<Surroundings, "client" | "base" | "load">,
  calendars: readonly Calendar[],
  one: Calendar | null,
  again: () => Promise<void>,
): Promise<void> {
  const { client } = page;
  const place = one === null ? calendars.length : calendars.indexOf(one);
  const first = one === null ? colours[[4, 5, 3, 6, 1, 7, 2, 0][place % 8]!]! : colours[colourOf(one, place) - 1]!;
  const name = el("input", {
    class: "dialog-input",
    value: one?.name ?? "",
    maxlength: "200",
    dir: "auto",
    autofocus: true,
    required: true,
  });
  const done = await dialog<boolean>(one === null ? t("New calendar") : isolated(one.name), (close) => {
    const choice = colourChoice(first);
    const access = accessChoice(one ?? { access: "usual", usual: calendars[0]?.usual ?? "busy" });
    const save = async () => {
      const [colour, wanted] = [choice.read(), access.control.value as Calendar["access"]];
      const view = one === null || colour !== first ? { colour } : {};
      const change =
        one === null ? { name: name.value, access: wanted } : differing(one, { name: name.value, access: wanted });
      const saved = await attempt(t("Saving…"), t("Couldn't save calendar"), () =>
        one !== null && one.owner !== ""
          ? client.calendar_view(one.id, view)
          : client.calendar_save({ ...change, ...view }, one?.id ?? 0),
      );
      if (saved) close(true);
    };
    /** The events of a file are a calendar with a color of its own, which has the file's name unless another was typed. */
    const bringInto = (file: File) =>
      client.calendar_save({
        name: name.value || file.name.replace(/\.\w+$/, ""),
        colour: choice.read(),
        access: access.control.value as Calendar["access"],
      });
    const remove = async () => {
      close(false);
      if (await sure(one!)) {
        await attempt(t("Deleting…"), t("Couldn't delete calendar"), () => client.calendar_remove(one!.id));
        await again();
      }
    };
    const links = () => {
      close(false);
      return showLinks(client, one!);
    };
    const share = () => {
      close(false);
      return showSharing(client, one!);
    };
    const other = () => {
      close(false);
      return subscribe(client, first, again);
    };
    return [
      el(
        "form",
        { onsubmit: once(save) },
        one !== null && one.source !== "" && sourceOf(client, one, again),
        one !== null && one.owner !== ""
          ? el(
              "p",
              { class: "dialog-text" },
              t("{owner} shared this calendar with you.", { owner: isolated(one.owner) }),
              " ",
              one.writable ? t("You can edit events.") : t("You can only view it."),
            )
          : el("label", { class: "field" }, t("Name"), name),
        choice.root,
        (one === null || (one.source === "" && one.owner === "")) && access.root,
        one === null &&
          el(
            "div",
            { class: "cal-files" },
            el("button", { class: "btn line", type: "button", onclick: () => void other() }, t("Subscribe…")),
            imports(page, bringInto, () => close(true)),
          ),
        one?.source === "" &&
          one.owner === "" &&
          el(
            "div",
            { class: "cal-files" },
            el("button", { class: "btn line", type: "button", onclick: () => void share() }, `${t("Share")}…`),
            el("button", { class: "btn line", type: "button", onclick: () => void links() }, t("Private links…")),
            imports(
              page,
              () => Promise.resolve(one.id),
              () => void again(),
            ),
            exportLink(page, `calendar/${one.id}.ics`, t("Export"), "btn line"),
            archiveLink(page, "btn line"),
          ),
        el(
          "div",
          { class: "dialog-buttons" },
          one?.owner === "" &&
            el("button", { class: "btn line danger", type: "button", onclick: () => void remove() }, t("Delete…")),
          el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")),
          el("button", { class: "btn primary", type: "submit" }, t("Save")),
        ),
      ),
    ];
  });
  if (done === true) await again();
}

async function sure(one: Calendar): Promise<boolean> {
  const words = many(
    one.events,
    "This will also delete {n} event from all your devices.",
    "This will also delete {n} events from all your devices.",
  );
  const answer = await dialog<boolean>(t("Delete “{name}”?", { name: isolated(one.name) }), (close) => [
    el("p", { class: "dialog-text" }, words, " ", t("You can't undo this.")),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn", autofocus: true, onclick: () => close(false) }, t("Cancel")),
      el("button", { class: "btn line danger", onclick: () => close(true) }, t("Delete")),
    ),
  ]);
  return answer === true;
}

/** The choice of what colleagues see of a calendar. */
function accessChoice({ access, usual }: Pick<Calendar, "access" | "usual">): Field<HTMLSelectElement> {
  const words = {
    details: t("free/busy and titles"),
    busy: t("free/busy only"),
    nothing: t("nothing"),
  };
  return choice(
    t("People in your domain can see"),
    [["usual", t("Default ({what})", { what: words[usual] })], ...Object.entries(words)],
    access,
    t("Shown when people in your domain invite you. Anyone you share the calendar with sees everything."),
  );
}

/** A button that asks for a file and adds its events to the calendar that `target` names, or makes. */
function imports(
  page: Pick<Surroundings, "client" | "base" | "load">,
  target: (file: File) => Promise<number>,
  imported: () => unknown,
): Child {
  const file = el("input", { type: "file", accept: ".ics,.zip,text/calendar", hidden: true });
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (chosen === undefined) return;
    await importFile(
      page,
      chosen,
      t("Importing…"),
      t("Couldn't import events"),
      async (uploadID) => page.client.calendar_import(await target(chosen), uploadID),
      (added) => many(added, "{n} entry added", "{n} entries added"),
    );
    imported();
  });
  return [el("button", { class: "btn line", type: "button", onclick: () => file.click() }, t("Import…")), file];
}

/** Show the links of a calendar; resolves when the dialog is closed. */
async function showLinks(client: Surroundings["client"], calendar: Calendar): Promise<void> {
  const list = el("div", { class: "cal-links" });
  const address = el("p", { class: "cal-made", role: "status" });
  const note = el("input", { class: "dialog-input", maxlength: "200", dir: "auto", autofocus: true });
  const busy = el("input", { type: "checkbox" });
  const draw = async () => {
    const found = (await client.calendar_link_list()).filter((one) => one.calendar === calendar.path);
    fill(
      list,
      found.map((one) =>
        el(
          "div",
          { class: "cal-link" },
          el(
            "span",
            {},
            one.note === "" ? t("Unnamed") : el("bdi", { dir: "auto" }, isolated(one.note)),
            el(
              "small",
              {},
              [shortDay(dayOf(new Date(one.made))), one.shows === "busy" && t("busy times only")]
                .filter(Boolean)
                .join(" · "),
            ),
          ),
          el("button", { class: "btn line small", type: "button", onclick: () => void withdraw(one.id) }, t("Revoke")),
        ),
      ),
    );
  };
  const withdraw = (id: number) =>
    attempt(t("Revoking…"), t("Couldn't revoke link"), async () => {
      await client.calendar_link_rm(id);
      fill(address);
      await draw();
    });
  const make = once(() =>
    attempt(t("Creating…"), t("Couldn't create link"), async () => {
      const made = await client.calendar_link_make(calendar.path, busy.checked, note.value);
      fill(address, t("Copy this link now. You won't be able to see it again:"), " ", copyable(made));
      note.value = "";
      await draw();
    }),
  );
  const loaded = await attempt(t("Loading…"), t("Couldn't load links"), draw);
  if (!loaded) return;
  await dialog<void>(t("Private links to “{name}”", { name: isolated(calendar.name) }), (close) => [
    el(
      "p",
      { class: "dialog-text" },
      t("Anyone with a private link can view this calendar without a password. You can revoke the link at any time."),
    ),
    list,
    address,
    el(
      "form",
      { class: "cal-sources", onsubmit: make },
      el("label", { class: "field" }, t("Link name"), note),
      el("label", { class: "check" }, busy, t("Free/busy only")),
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { class: "btn", type: "button", onclick: () => close() }, t("Close")),
        el("button", { class: "btn primary", type: "submit" }, t("Create link")),
      ),
    ),
  ]);
}

/** Show with whom a calendar is shared; resolves when the dialog is closed. */
async function showSharing(client: Surroundings["client"], calendar: Calendar): Promise<void> {
  let guests: readonly CollectionGuest[] = [];
  const asked = () => client.calendar_guests(calendar.id);
  const loaded = await attempt(t("Loading…"), t("Couldn't load calendar"), async () => {
    guests = await asked();
  });
  if (!loaded) return;
  await dialog<void>(isolated(calendar.name), (close) => [
    sharing(guests, asked, async (guest, rights) => {
      await client.calendar_share(calendar.path, guest, rights === "change", rights === "");
    }),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn", type: "button", onclick: () => close() }, t("Close")),
    ),
  ]);
}
