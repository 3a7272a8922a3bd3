// The card of an event to which a message invites (WEBMAIL-129): when, where, who; an answer with a note; the file.

import type { Calendar, Client, Guest, Invitation, MessageItem, When } from "../../gen/webmail";
import { codeOf } from "../../lib/client";
import { attempt } from "../../lib/dialogs";
import { type Child, el, fill, isolated, sign } from "../../lib/dom";
import { calendarClock } from "../../lib/icons";
import { searchFor } from "../../lib/searched";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { locale, many, t } from "../../lib/words";
import { newId } from "../../lib/steady";
import { dayOf as dayNumber, placeOf } from "../calendar/days";
import { propose, type Times } from "../event/proposing";
import { ruleText } from "../event/ruletext";
import { local, withDate } from "../event/times";
import { joinLink } from "../ui/join";
import { changesOf, dateOf } from "./changes";
import { showDay } from "./day";
import sheet from "./invitation.css";

adopt(sheet);

type Answer = "yes" | "no" | "maybe";

/** Participants that are named at first. */
const firstGuests = 10;

const answers: readonly (readonly [Answer, string])[] = [
  ["yes", t("Yes")],
  ["maybe", t("Maybe")],
  ["no", t("No")],
];
const given: Readonly<Record<string, string>> = {
  yes: t("You accepted."),
  maybe: t("You replied “maybe”."),
  no: t("You declined."),
  proposed: t("You proposed a new time."),
};
/** What the calendar of the user could not take of the event. */
const leftOut: Readonly<Record<Invitation["left_out"][number], string>> = {
  zone: t("Your calendar uses your time zone because the event's time zone is unknown."),
  end: t("Your calendar doesn't have an end time because the event's isn't valid."),
  rule: t("Your calendar only has the first date because it can't read how the event repeats."),
  excluded: t("Your calendar also has dates that the organizer excluded."),
  guests: t("Your calendar only lists the first 500 guests."),
};
const comes: Readonly<Record<string, string>> = { yes: t("going"), maybe: t("maybe"), no: t("not going") };

/** A date without a time, as the reader writes it. */
function dayOf(local: string): string {
  const date = new Date(`${local.slice(0, 10)}T00:00:00Z`);
  return new Intl.DateTimeFormat(locale(), { dateStyle: "full", timeZone: "UTC" }).format(date);
}

/** A moment in the reader's zone; dates and times on all clocks as they are. */
function momentOf(when: When, zone?: string): string {
  if (!when.local.includes("T")) return dayOf(when.local);
  const options: Intl.DateTimeFormatOptions = { dateStyle: "full", timeStyle: "short" };
  if (when.utc === null)
    return new Intl.DateTimeFormat(locale(), { ...options, timeZone: "UTC" }).format(new Date(`${when.local}Z`));
  return new Intl.DateTimeFormat(locale(), zone === undefined ? options : { ...options, timeZone: zone }).format(
    new Date(when.utc * 1000),
  );
}

/** Beginning and end in words. */
function timesOf({ start, end }: Pick<Invitation, "start" | "end">): string {
  if (start === null) return t("Time not set");
  if (end === null) return momentOf(start);
  if (!start.local.includes("T")) {
    // the end of a whole day is the day after it (RFC 5545 §3.6.1)
    const last = new Date(Date.parse(`${end.local.slice(0, 10)}T00:00:00Z`) - 86_400_000).toISOString();
    return last.slice(0, 10) <= start.local.slice(0, 10)
      ? momentOf(start)
      : t("{start} to {end}", { start: momentOf(start), end: dayOf(last) });
  }
  const same =
    start.utc !== null && end.utc !== null
      ? new Date(start.utc * 1000).toDateString() === new Date(end.utc * 1000).toDateString()
      : start.local.slice(0, 10) === end.local.slice(0, 10);
  const clock = (when: When) =>
    new Intl.DateTimeFormat(locale(), { timeStyle: "short", ...(when.utc === null && { timeZone: "UTC" }) }).format(
      when.utc === null ? new Date(`${when.local}Z`) : new Date(when.utc * 1000),
    );
  return t("{start} to {end}", { start: momentOf(start), end: same ? clock(end) : momentOf(end) });
}

/** The time in the zone of the sender, if that differs from the reader's; else "". */
function thereOf({ start }: Invitation): string {
  if (start === null || start.zone === "" || start.zone === "UTC") return "";
  if (start.utc === null) return t("{time} in {zone}", { time: momentOf(start), zone: start.zone }); // not known here
  try {
    const there = momentOf(start, start.zone);
    return there === momentOf(start) ? "" : t("{time} in {zone}", { time: there, zone: start.zone });
  } catch {
    return ""; // the browser does not know the zone
  }
}

function guest(one: Guest): HTMLElement {
  const name = isolated(one.name || one.address);
  const said = comes[one.answer];
  return el(
    "span",
    { title: isolated(one.address) },
    el("bdi", { dir: "auto" }, name),
    said !== undefined && ` (${said})`,
  );
}

function guests(found: Invitation): Child {
  const place = el("span", {});
  const rest = found.people.length - firstGuests + found.more;
  const show = (n: number) => {
    const shown = found.people.slice(0, n).flatMap((one, at) => (at === 0 ? [guest(one)] : [", ", guest(one)]));
    const left = found.people.length - Math.min(n, found.people.length) + found.more;
    const all = el(
      "button",
      { class: "link", type: "button", onclick: () => show(found.people.length) },
      t("and {n} more", { n: left }),
    );
    fill(place, shown, rest > 0 && left > 0 && [" ", n >= found.people.length ? t("and {n} more", { n: left }) : all]);
  };
  show(firstGuests);
  return place;
}

/** The state in a sentence, "" for an invitation that is as it was. */
function stateOf(found: Invitation): Child {
  switch (found.state) {
    case "cancelled":
      return t("This event is canceled.");
    case "old":
      return [
        t("This event has since been updated."),
        " ",
        el("a", { href: "#search:", onclick: searchFor(`subject:"${found.title.replaceAll('"', " ")}"`) }, t("Show")),
      ];
    case "stranger":
      if (found.method === "COUNTER")
        return t("You can't accept this new time because the sender isn't a verified guest at one of your events.");
      return t("The organizer couldn't be verified. Anyone could have sent this.");
    default:
      return null;
  }
}

/** What a message says, before the facts: the answer of a guest, another time, or that the organiser declines it. */
function saidOf(found: Invitation): string {
  const [answered] = found.people.filter((one) => one.answer !== "");
  if (found.method === "REPLY" && answered !== undefined) {
    const name = isolated(answered.name || answered.address);
    if (answered.answer === "yes") return t("{name} is going", { name });
    return answered.answer === "maybe" ? t("{name} replied “maybe”", { name }) : t("{name} isn't going", { name });
  }
  if (found.proposal !== null)
    return t("{who} proposed a new time.", { who: isolated(found.proposal.by.name || found.proposal.by.address) });
  if (found.method === "DECLINECOUNTER" && found.state === "" && found.organizer !== null)
    return t("{who} declined the time you proposed.", {
      who: isolated(found.organizer.name || found.organizer.address),
    });
  return "";
}

/** What became of the time that a guest proposes. */
const became: Readonly<Record<string, string>> = {
  accepted: t("New time accepted."),
  changed: t("The event has changed since this proposal."),
  declined: t("New time declined."),
};

/** The buttons with which the organiser answers a guest who proposes another time. */
function proposed(client: Client, item: MessageItem, path: string, found: Invitation): Child {
  const { proposal } = found;
  if (proposal === null) return null;
  const said = el("span", { role: "status" }, became[proposal.state] ?? "");
  if (proposal.state !== "") return said;
  const ids = { accept: newId(), decline: newId() };
  const who = isolated(proposal.by.name || proposal.by.address);
  const buttons = (["accept", "decline"] as const).map((name) =>
    el(
      "button",
      {
        class: name === "accept" ? "btn primary" : "btn line",
        type: "button",
        onclick: async () => {
          const accept = name === "accept";
          const done = await attempt(
            accept ? t("Moving…") : t("Sending…"),
            accept ? t("Couldn't move event") : t("Couldn't decline new time"),
            () => client.invitation_proposal(item.id, path, accept, ids[name]),
          );
          if (!done) return;
          toast(accept ? t("Event moved. Guests will get an update.") : t("{who} will get a message", { who }));
          for (const button of buttons) button.remove();
          fill(said, became[accept ? "accepted" : "declined"]!);
        },
      },
      name === "accept" ? t("Accept new time") : t("Decline new time"),
    ),
  );
  return [buttons, said];
}

/** Beginning and end of an event as the fields of a form have them, in the reader's zone. */
function shownTimes(start: When, end: When | null): Times {
  const whole = !start.local.includes("T");
  const value = (when: When) =>
    whole ? when.local : when.utc === null ? when.local.slice(0, 16) : local(new Date(when.utc * 1000), false);
  return {
    whole,
    start: value(start),
    end: end === null ? value(start) : whole ? withDate(end.local, -1) : value(end),
  };
}

/** What a message says of the calendar, where no answer brings it there. */
const acts: Readonly<Record<Exclude<Invitation["act"], "">, readonly [title: string, doing: string, failed: string]>> =
  {
    add: [t("Add to calendar"), t("Saving…"), t("Couldn't save event")],
    update: [t("Update my calendar"), t("Saving…"), t("Couldn't save event")],
    remove: [t("Remove from calendar"), t("Deleting…"), t("Couldn't delete event")],
  };

/** The button with which the user's calendar follows a message, and the choice of a calendar for a new event. */
function applied(
  client: Client,
  item: MessageItem,
  path: string,
  found: Invitation,
  again: () => Promise<void>,
): Child {
  const { act } = found;
  if (act === "") return null;
  const [title, doing, failed] = acts[act];
  const target = el("select", { class: "dialog-input", "aria-label": t("Calendar"), hidden: true });
  if (act === "add") void offer(client, target).catch(() => undefined);
  const apply = async () => {
    const undo = (run: () => Promise<unknown>) => ({
      title: t("Undo"),
      run: () =>
        void attempt(t("Undoing…"), t("Couldn't undo"), async () => {
          await run();
          await again();
        }),
    });
    await attempt(doing, failed, async () => {
      const done = await client.invitation_apply(item.id, path, Number(target.value));
      const { removed, added, known, event_id: id } = done;
      const name = isolated(found.title || t("(no title)"));
      if (removed !== null)
        toast(
          t("“{title}” deleted", { title: name }),
          undo(() => client.event_undo([removed])),
        );
      else if (act === "update") toast(t("Calendar updated"));
      else
        toast(
          added === 0 && known > 0
            ? many(known, "{n} already exists", "{n} already exist")
            : many(added, "{n} entry added", "{n} entries added"),
          added === 1 && id !== 0 ? undo(() => client.event_remove(id)) : undefined,
        );
      await again();
    });
  };
  return [
    el("button", { class: `btn ${act === "update" ? "line" : "primary"}`, type: "button", onclick: apply }, title),
    target,
  ];
}

/** Let the user choose among calendars of their own, where there are several. */
async function offer(client: Client, target: HTMLSelectElement): Promise<void> {
  const own = (await client.calendars()).filter(({ owner, source }: Calendar) => owner === "" && source === "");
  fill(
    target,
    own.map(({ id, name }) => el("option", { value: String(id) }, isolated(name))),
  );
  target.hidden = own.length < 2;
}

/** Show the event of a part of a message; a calendar that cannot be read stays a file. */
export async function showInvitation(
  client: Client,
  base: string,
  item: MessageItem,
  path: string,
  place: HTMLElement,
): Promise<void> {
  let found: Invitation;
  try {
    found = await client.invitation(item.id, path);
  } catch (error) {
    if (codeOf(error) === null) throw error;
    fill(place, el("p", { class: "hint" }, t("Couldn't open calendar: {why}", { why: (error as Error).message })));
    place.hidden = false;
    return;
  }
  draw(client, base, item, path, place, found);
}

function draw(
  client: Client,
  base: string,
  item: MessageItem,
  path: string,
  place: HTMLElement,
  found: Invitation,
): void {
  const fact = (name: string, value: Child) => [el("dt", {}, name), el("dd", { dir: "auto" }, value)];
  const there = thereOf(found);
  const note = el("input", {
    class: "dialog-input event-note",
    placeholder: t("Add note"),
    "aria-label": t("Note to organizer"),
    maxlength: "2000",
    dir: "auto",
  });
  const said = el(
    "span",
    { role: "status" },
    found.answer === "" ? "" : (given[found.answer] ?? ""),
    found.answered_old && ` ${t("You replied to an earlier version.")}`,
  );
  /** The answer that was sent last, which may have had no reply: the same one is sent again under the same id, so it leaves once. */
  let last: { readonly chosen: Answer; readonly words: string; readonly id: string } | null = null;
  const answer = async (chosen: Answer) => {
    const words = note.value.trim();
    if (last?.chosen !== chosen || last.words !== words) last = { chosen, words, id: newId() };
    const { id } = last;
    const sent = await attempt(t("Sending…"), t("Couldn't send reply"), () =>
      client.invitation_answer(item.id, path, chosen, id, words),
    );
    if (!sent) return;
    toast(t("Reply sent to {who}", { who: isolated(found.organizer?.name || found.organizer!.address) }));
    const held = place.contains(document.activeElement);
    const answered = { ...found, answer: chosen, answered_old: false };
    // the calendar has the event now, and it is no clash with itself
    draw(client, base, item, path, place, await client.invitation(item.id, path).catch(() => answered));
    // the buttons are new: the focus stays on the one that was pressed
    if (held) place.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus();
  };
  /** Whether this is the answer to the version here, not to one before. */
  const stands = (name: Answer) => found.answer === name && !found.answered_old;
  const day = el("p", { class: "event-day", role: "status", hidden: true });
  const beside = el("section", { class: "event-beside", "aria-label": t("Your day"), hidden: true });
  const open = found.method === "REQUEST" && found.me !== "" && found.state === "" && found.organizer !== null;
  const state = stateOf(found);
  const means = saidOf(found);
  const again = async () => draw(client, base, item, path, place, await client.invitation(item.id, path));
  const off = found.method === "CANCEL" || found.state === "cancelled";
  const card = el(
    "div",
    { class: off ? "event-what off" : "event-what" },
    changesOf(found).map((words) => el("p", { class: "event-change" }, sign(calendarClock, "i s"), words)),
    el("h2", { class: "event-title" }, el("bdi", { dir: "auto" }, isolated(found.title) || t("(no title)"))),
    means !== "" && el("p", { class: "event-state" }, means),
    state !== null && el("p", { class: "event-state" }, state),
    found.state === "" && joinLink(found.join, true),
    el(
      "dl",
      { class: "invitation-facts" },
      found.proposal !== null && fact(t("Scheduled time"), timesOf(found.proposal)),
      fact(found.proposal === null ? t("When") : t("Proposed time"), [
        timesOf(found),
        there !== "" && el("span", { class: "hint" }, el("br"), there),
      ]),
      found.repeats !== null && fact(t("Repeats"), ruleText(found.repeats)),
      found.one_of_many && fact(t("Note"), t("This is for one event in a series.")),
      found.place !== "" && fact(t("Location"), isolated(found.place)),
      found.organizer !== null && fact(t("Organizer"), guest(found.organizer)),
      found.sent_by !== "" && fact(t("Sent by"), el("strong", {}, isolated(found.sent_by))),
      found.people.length > 0 && fact(t("Guests"), guests(found)),
      found.others > 0 &&
        fact(t("Also"), many(found.others, "{n} more event in the file", "{n} more events in the file")),
    ),
    found.act === "add" &&
      found.method === "REQUEST" &&
      el("p", { class: "event-day" }, t("You aren't on the guest list. The organizer won't know that you're going.")),
    found.left_out.map((one) => el("p", { class: "event-day" }, leftOut[one])),
    day,
    el(
      "div",
      { class: "event-answers" },
      open &&
        answers.map(([name, title]) =>
          el(
            "button",
            {
              class: stands(name) ? "btn primary" : "btn line",
              type: "button",
              "aria-pressed": String(stands(name)),
              onclick: () => void answer(name),
            },
            title,
          ),
        ),
      open && note,
      open &&
        found.repeats === null &&
        found.start !== null &&
        el(
          "button",
          {
            class: "btn line",
            type: "button",
            onclick: async () => {
              const times = shownTimes(found.start!, found.end);
              const sent = await propose(times, (start, end, id, words) =>
                client.invitation_propose(item.id, path, start, end, id, words),
              );
              if (!sent) return;
              toast(t("New time proposed"));
              draw(client, base, item, path, place, { ...found, answer: "proposed", answered_old: false });
            },
          },
          t("Propose new time…"),
        ),
      proposed(client, item, path, found),
      applied(client, item, path, found, again),
      found.event_id !== 0 &&
        found.start !== null &&
        el("a", { class: "btn text", href: placeOf("day", dayNumber(dateOf(found.start))) }, t("Show in calendar")),
      el("a", { class: "btn text", href: `${base}msg/${item.id}/download/${path}` }, t("Download")),
      said,
    ),
  );
  fill(place, card, beside);
  place.hidden = false;
  // the invitation is whole without it, also where the connection is lost
  if (open) void showDay(client, found, day, beside).catch(() => undefined);
}
