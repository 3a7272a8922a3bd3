"""What a page of the webmail shows of a view, and whether that is what a fresh query answers."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

__all__ = ["ShownRow", "difference", "rows_of"]

ROWS = """() => {
  const list = document.querySelector(".messages");
  if (list === null) return [];
  list.scrollTop = 0;
  const text = (row, place) => row.querySelector(place)?.textContent ?? "";
  return [...list.querySelectorAll(".message")].map((row) => ({
    id: Number(row.id.replace("message-", "")),
    missing: row.classList.contains("missing"),
    unread: row.classList.contains("unread"),
    deleted: row.classList.contains("deleted"),
    in_thread: row.classList.contains("in-thread"),
    flagged: row.querySelector(".flagged") !== null,
    count: Number(text(row, ".thread-count") || "1"),
    keywords: [...row.querySelectorAll(".keyword:not(.other-mailbox)")].map((one) => one.textContent).sort(),
    // behind the sign of an answer, all pieces of it: hits of a search are elements of their own
    subject: text(row, ".message-subject").slice(text(row, ".message-subject .branch").length),
    total: Number(row.getAttribute("aria-setsize")),
  }));
}"""


@dataclass(frozen=True)
class ShownRow:
    """A row as it can be read: a message, or a thread that is folded, with what its messages have together."""

    id: int
    missing: bool
    unread: bool
    deleted: bool
    in_thread: bool
    flagged: bool
    count: int
    keywords: list[str]
    subject: str
    total: int


def rows_of(page: Page) -> list[ShownRow]:
    """The rows from the top on."""
    return [ShownRow(**row) for row in page.evaluate(ROWS)]


def difference(rows: list[ShownRow], entries: list[list[Any]]) -> str:
    """The first thing in which rows are not what these entries of a view make; "" when there is none. A thread may be
    folded or not: that is the reader's choice.
    """
    left = list(rows)
    for entry in entries:
        if not left:
            return f"{entry[0]['subject']!r} is not shown"
        spread = left[0].in_thread
        shown, left = (left[: len(entry)], left[len(entry) :]) if spread else (left[:1], left[1:])
        if spread and Counter(row.id for row in shown) != Counter(item["id"] for item in entry):
            return f"the thread {[item['subject'] for item in entry]} is shown as {[row.subject for row in shown]}"
        items = {item["id"]: item for item in entry}
        for row in shown:
            if row.id not in items:
                return f"{row.subject!r} is shown in place of {entry[0]['subject']!r}"
            if wrong := unlike(row, items[row.id], [items[row.id]] if spread else entry):
                return f"{row.subject!r}: {wrong}"
    if left:
        return f"{left[0].subject!r} is shown, and no more there"
    return "" if not rows or rows[0].total == len(rows) else f"{rows[0].total} rows are told of, and {len(rows)} there"


def unlike(row: ShownRow, item: Any, meant: list[Any]) -> str:
    """How a row differs from its message, and from all that it stands for; "" when it does not."""
    flags = {flag for one in meant for flag in one["flags"]}
    facts = {
        "missing": (row.missing, False),
        "unread": (row.unread, any("\\seen" not in one["flags"] for one in meant)),
        "deleted": (row.deleted, "\\deleted" in flags),
        "flagged": (row.flagged, "\\flagged" in flags),
        "count": (row.count, len(meant)),
        "keywords": (row.keywords, sorted({keyword for one in meant for keyword in one["keywords"]})),
        "subject": (row.subject, item["subject"]),
    }
    wrong = [f"{name} is {shown}, not {is_so}" for name, (shown, is_so) in facts.items() if shown != is_so]
    return ", ".join(wrong)
