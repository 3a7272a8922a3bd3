"""Ten calendar tasks and ten contact tasks of docs/clicks.md, each with its actions here, in Google and in Fastmail.

Actions here are read off the code (frontend/webmail/calendar, event, people, person). The others are estimates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["CALENDAR", "CONTACTS", "Estimate", "Task", "sections"]


@dataclass(frozen=True)
class Estimate:
    """Another service's way, one step for each action. `about`: its help pages don't give every step."""

    steps: str
    about: bool = True

    @property
    def actions(self) -> int:
        return count(self.steps)

    def __str__(self) -> str:
        return f"about {self.actions}" if self.about else str(self.actions)


@dataclass(frozen=True)
class Task:
    """A task with its steps, one for each action. None: the way of the other service isn't known well enough.

    `because` says why it takes more actions here.
    """

    title: str
    steps: str
    google: Estimate | None
    fastmail: Estimate | None
    because: str = ""

    @property
    def actions(self) -> int:
        return count(self.steps)

    @property
    def fewest(self) -> Estimate | None:
        """The shortest other way that takes fewer actions, if there is one."""
        ways = [way for way in (self.google, self.fastmail) if way is not None and way.actions < self.actions]
        return min(ways, key=lambda way: way.actions, default=None)


def count(steps: str) -> int:
    """Number of steps in a text that separates them by commas."""
    return len(steps.split(", "))


CALENDAR: Final[Sequence[Task]] = (
    Task(
        "Add an event on Thursday at 4 PM",
        "hour, title, Enter",
        Estimate("hour, title, Enter", about=False),
        Estimate("double click on the hour, title, Save"),
    ),
    Task(
        "Add an event every Tuesday at 6 PM",
        "hour, title, Repeat, Every week on Tuesday, Enter",
        Estimate("hour, title, time, Does not repeat, Weekly, Save"),
        Estimate("double click on the hour, title, Repeat, Weekly, Save"),
    ),
    Task(
        "Invite a friend to an event",
        "event, Edit, Guests, address, Save",
        Estimate("event, Edit, Add guests, address, Enter, Save, Send"),
        Estimate("event, Edit, Who, address, Invite, Save"),
    ),
    Task(
        "Get a reminder an hour before an event",
        "event, Edit, Alerts, 1 hour before, Save",
        Estimate("event, Edit, number, 1, unit, hours, Save"),
        Estimate("event, Edit, Reminders, 1 hour before, Save"),
    ),
    Task(
        "Move one event of a series to another day",
        "drag, Move",
        Estimate("drag, OK", about=False),
        Estimate("drag, only this event"),
    ),
    Task(
        "Give an event its own color",
        "event, color",
        Estimate("right-click, color", about=False),
        Estimate("event, Edit, Color, color, Save"),
    ),
    Task(
        "Find an event by a word",
        "/, word, event",
        Estimate("/, word, Enter, event"),
        Estimate("/, word, Enter, event"),
    ),
    Task(
        "Open a day four months ahead",
        "name of the small month, month, day",
        Estimate("g, date, Enter", about=False),
        Estimate("next month, next month, next month, next month, day"),
    ),
    Task(
        "Delete an event, then undo",
        "event, Delete, Undo",
        Estimate("event, Delete, Undo", about=False),
        Estimate("event, Delete, Undo"),
    ),
    Task(
        "Share a calendar with a person who can edit it",
        "⋯, Share…, address, Permissions, can edit, Enter, Escape",
        Estimate("⋮, Settings and sharing, Add people, address, Enter, Permissions, Make changes, Send, Back"),
        Estimate("Settings, Calendars, Edit & Share, person, Permissions, can edit, Save"),
    ),
)
"""Each begins in the open calendar, in the view that suits it."""

CONTACTS: Final[Sequence[Task]] = (
    Task(
        "Add a contact with an address",
        "New contact, name, Email, address, Enter",
        Estimate("Create contact, Create a contact, name, Email, address, Save"),
        Estimate("New contact, name, Email, address, Save"),
    ),
    Task(
        "Add the sender of an open message",
        "Add to contacts",
        Estimate("Add to contacts"),
        Estimate("sender, Add to contacts, Save"),
    ),
    Task(
        "Find a contact, and write to them",
        "/, name, contact, Write",
        Estimate("/, name, contact, address"),
        Estimate("/, name, contact, address"),
    ),
    Task(
        "Add a phone number",
        "contact, Edit, Phone, number, Enter",
        Estimate("contact, Edit, Phone, number, Save"),
        Estimate("contact, Edit, Phone, number, Save"),
    ),
    Task(
        "Put three contacts into a group",
        "contact, contact, contact, Groups, group",
        Estimate("contact, contact, contact, Manage labels, label, Apply"),
        Estimate("contact, contact, contact, Groups, group"),
    ),
    Task(
        "Write to a group",
        "c, group, Enter",
        Estimate("c, label, Enter"),
        Estimate("c, group, Enter"),
    ),
    Task(
        "Add a birthday",
        "contact, Edit, Day, day, Month, month, Save",
        Estimate("contact, Edit, Month, month, Day, day, Save"),
        None,
    ),
    Task(
        "Delete a contact, then undo",
        "contact, Edit, Delete, Undo",
        Estimate("⋮, Delete, Move to trash, Undo"),
        None,
    ),
    Task(
        "Merge two contacts for the same person",
        "Find duplicates…, Merge, Close",
        Estimate("Merge & fix, Merge, Contacts"),
        Estimate("contact, contact, Merge, Merge"),
    ),
    Task(
        "Import contacts from a file",
        "Import…, file",
        Estimate("Import, Select file, file, Import"),
        Estimate("Settings, Contacts, Import, file, Import"),
    ),
)
"""Each begins in the open contacts; messages are written in the mail."""

RULES: Final = """## Ten calendar tasks and ten contact tasks

These are counted differently:

- **Actions** come from our code, for a mouse and a keyboard. No test takes these steps. A drag or a double click is
  one action, and pointing at something isn't counted. The app is already open, in the view that fits the task.
- **Google** (Calendar, Contacts and Gmail) and **Fastmail** are estimates from what we know of their help pages, not
  measured. *About* means that we aren't sure of every step, a dash that we don't know the way. Corrections are welcome.
- In the lists of steps, each step is one action: you click, press or type it.
"""


def sections() -> str:
    """The part of the page with these tasks."""
    tasks = [*CALENDAR, *CONTACTS]
    more = [task for task in tasks if task.fewest is not None]
    said = f"{len(more)} of {len(tasks)} tasks take more actions than in Google or Fastmail:\n"
    lines = [RULES, said if more else f"None of the {len(tasks)} tasks takes more actions than in Google or Fastmail."]
    lines += [f"- **{task.title}**: {task.actions} in place of {task.fewest}. {task.because}" for task in more]
    for title, group in (("Calendar tasks", CALENDAR), ("Contact tasks", CONTACTS)):
        lines += ["", *section(title, group)]
    return "\n".join(lines) + "\n"


def section(title: str, tasks: Sequence[Task]) -> Iterator[str]:
    """A table of tasks, then the steps that were counted."""
    yield f"## {title}\n"
    yield "| Task | Actions | Google, estimated | Fastmail, estimated |"
    yield "|---|---|---|---|"
    for task in tasks:
        yield f"| {task.title} | {task.actions} | {task.google or '–'} | {task.fastmail or '–'} |"
    yield "\nSteps:\n"
    for task in tasks:
        others = [("Google", task.google), ("Fastmail", task.fastmail)]
        ways = [f"{name}: {way.steps}." for name, way in others if way is not None]
        yield " ".join([f"- **{task.title}**: {task.steps}.", *ways])
