"""The tasks of `bench.large`: what mail programs, JMAP clients and the webmail ask for in an account with much mail."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from bench.imapload import IMAP
from bench.jmap import Client
from bench.largemail import ADDRESS, COMMON, Mail, rare
from bench.webload import Stream, Webmail

__all__ = ["FAR", "Kind", "Task", "imap_tasks", "jmap_tasks", "search_tasks", "text_tasks", "webmail_tasks"]

Kind = Literal["waits", "whole", "bulk"]
"""Whether a person waits for it, or it reads or changes a whole folder. "bulk": Dovecot may be much faster."""

FAR: Final = 1_000
"""Messages of a task about bodies and envelopes."""


class Task(NamedTuple):
    """A task; `repeated`: it changes nothing, so what takes little is measured several times."""

    name: str
    work: Callable[[], object]
    kind: Kind
    repeated: bool = True


def imap_tasks(port: int, user: str, password: str, mail: Mail) -> Iterator[Task]:
    """The tasks of a mail program in the Archive."""
    yield Task("IMAP log-in", lambda: IMAP(port, user, password).close(), "waits")
    session = IMAP(port, user, password)
    session.command(b"ENABLE QRESYNC")

    def task(name: str, line: bytes, kind: Kind = "whole", *, repeated: bool = True) -> Task:
        return Task(name, partial(session.command, line, keep=False), kind, repeated)

    yield task("SELECT", b"SELECT Archive", "waits")
    yield task("LIST with STATUS of all folders", b'LIST "" "*" RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))', "waits")
    validity, modseq = _states(session)
    yield task("QRESYNC, nothing new", b"SELECT Archive (QRESYNC (%d %d))" % (validity, modseq), "waits")
    yield task("FLAGS of all", b"FETCH 1:* (FLAGS)")
    newest = b"%d:*" % max(1, mail.folders["Archive"] - FAR)
    yield task(f"ENVELOPE of the newest {FAR:,}", b"FETCH %b (ENVELOPE)" % newest, "waits")
    yield task("ENVELOPE of all", b"FETCH 1:* (ENVELOPE)")
    yield task(f"{FAR:,} bodies", b"FETCH 1:%d (BODY.PEEK[])" % min(FAR, mail.folders["Archive"]), "bulk")
    yield from _searches(task, mail)
    for key in ("ARRIVAL", "DATE", "SUBJECT", "FROM", "SIZE"):
        yield task(f"SORT by {key.lower()}", f"SORT ({key}) UTF-8 ALL".encode())
    yield task("THREAD by references", b"THREAD REFERENCES UTF-8 ALL", repeated=False)
    yield task("THREAD by references, again", b"THREAD REFERENCES UTF-8 ALL")
    yield task("THREAD by subject", b"THREAD ORDEREDSUBJECT UTF-8 ALL")
    yield from _changes(session, task, validity)
    session.close()


def _states(session: IMAP) -> tuple[int, int]:
    """UIDVALIDITY and HIGHESTMODSEQ of the Archive."""
    answer = session.command(b"SELECT Archive")
    found = [re.search(rb"\[%b (\d+)" % name, answer) for name in (b"UIDVALIDITY", b"HIGHESTMODSEQ")]
    validity, modseq = (int(match[1]) for match in found if match is not None)
    return validity, modseq


def _searches(task: Callable[..., Task], mail: Mail) -> Iterator[Task]:
    head = next(mail.letters("Archive")).octets
    subject = re.search(rb"Subject: (?:Re: )?([^\r]+)", head)
    sender = re.search(rb"From: [^<]*<([^>]+)", head)
    assert subject is not None
    assert sender is not None
    for name, key in (("UNSEEN", b"UNSEEN"), ("SINCE", b"SINCE 1-Jan-2024"), ("SENTSINCE", b"SENTSINCE 1-Jan-2024")):
        yield task(f"SEARCH {name}", b"SEARCH " + key)
    for name, key in (
        ("SUBJECT, few", b'SUBJECT "%b"' % subject[1]),
        ("SUBJECT, a common word", b"SUBJECT " + COMMON.encode()),
        ("FROM, few", b'FROM "%b"' % sender[1]),
        ("TO, all", b'TO "%b"' % ADDRESS.encode()),
        ("TEXT, one", b"TEXT " + rare(mail.folders["Archive"] // 2).encode()),
        ("TEXT, a common word", b"TEXT " + COMMON.encode()),
    ):
        yield task(f"SEARCH {name}", b"SEARCH " + key, "whole" if "common" in name else "waits")


def _changes(session: IMAP, task: Callable[..., Task], validity: int) -> Iterator[Task]:
    once = partial(task, repeated=False)
    yield once("STORE on 50", b"STORE 1:50 +FLAGS (\\Answered)", "waits")
    yield once("STORE on all, silent", b"STORE 1:* +FLAGS.SILENT (\\Answered)", "bulk")
    yield once("STORE on all", b"STORE 1:* -FLAGS (\\Answered)", "bulk")
    yield task("QRESYNC, all changed", b"SELECT Archive (QRESYNC (%d 1))" % validity)
    yield task("FETCH CHANGEDSINCE, all changed", b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)")
    for name in (b"Copied", b"Moved"):
        session.command(b"CREATE " + name)
    yield once("COPY of all", b"COPY 1:* Copied", "bulk")
    session.command(b"SELECT Copied")
    yield once("MOVE of 50", b"MOVE 1:50 Moved", "waits")
    yield once("MOVE of all", b"MOVE 1:* Moved", "bulk")
    session.command(b"SELECT Moved")
    session.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)", keep=False)
    yield once("EXPUNGE of all", b"EXPUNGE", "bulk")


def text_tasks(port: int, user: str, password: str, mail: Mail) -> Iterator[Task]:
    """Searches that a text index, or what is kept of a header, may answer: for a word of one message, and by Date."""
    session = IMAP(port, user, password)
    session.command(b"SELECT Archive")
    word = rare(mail.folders["Archive"] // 3)
    for name, line in (
        ("TEXT, one", f"TEXT {word}"),
        ("BODY, one", f"BODY {word}"),
        ("SENTSINCE", "SENTSINCE 1-Jan-2024"),
    ):
        work = partial(session.command, f"SEARCH {line}".encode(), keep=False)
        yield Task(f"SEARCH {name}", work, "whole", repeated=False)
    session.close()


def search_tasks(port: int, user: str, password: str, mail: Mail) -> Iterator[Task]:
    """Searches of a JMAP client and of the webmail for a word of one message."""
    word = rare(mail.folders["Archive"] // 3)
    client = Client(port, user, password)
    query = partial(client.call, "Email/query", limit=50, filter={"text": word})
    yield Task("JMAP text of one", query, "whole", repeated=False)
    stream = Stream(Webmail(port, user, password))
    rows = partial(stream.rows, {"filter": {"mailbox_id": -1, "words": [word]}})
    yield Task("webmail search, one", rows, "whole", repeated=False)
    stream.close()


def jmap_tasks(port: int, user: str, password: str, mail: Mail) -> Iterator[Task]:
    """The tasks of a JMAP client: a page of 50 of each kind."""
    client = Client(port, user, password)

    def task(name: str, kind: Kind = "whole", method: str = "Email/query", **arguments: Any) -> Task:
        return Task(f"JMAP {name}", partial(client.call, method, **arguments), kind)

    yield task("Mailbox/get", "waits", "Mailbox/get", ids=None)
    boxes = {box["name"]: box["id"] for box in client.call("Mailbox/get", ids=None)["list"]}
    archive = {"inMailbox": boxes["Archive"]}
    state = client.call("Email/get", ids=[])["state"]
    yield task("Email/changes, nothing new", "waits", "Email/changes", sinceState=state)
    yield task("Archive by date", "waits", filter=archive, limit=50)
    yield task(
        "middle of the Archive by date", "waits", filter=archive, limit=50, position=mail.folders["Archive"] // 2
    )
    yield task("all mail by date", "waits", limit=50)
    yield task("middle of all mail, with the total", limit=50, position=mail.total // 2, calculateTotal=True)
    for name in ("size", "from", "subject"):
        yield task(f"Archive by {name}", filter=archive, limit=50, sort=[{"property": name}])
    sort = [{"property": "hasKeyword", "keyword": "$seen"}]
    yield task("Archive by keyword", filter=archive, limit=50, sort=sort)
    yield task("threads of the Archive", filter=archive, limit=50, collapseThreads=True)
    yield task("threads of all mail, with the total", limit=50, collapseThreads=True, calculateTotal=True)
    for name in ("someInThreadHaveKeyword", "allInThreadHaveKeyword"):
        yield task(name, limit=50, filter={**archive, name: "$seen"})
    yield task("text of one", "waits", limit=50, filter={"text": rare(mail.folders["Archive"] // 2)})
    yield task("text, a common word", "waits", limit=50, filter={"text": COMMON})


def webmail_tasks(port: int, user: str, password: str, mail: Mail) -> Iterator[Task]:
    """The tasks of a page of the webmail."""
    yield Task("webmail log-in", lambda: Webmail(port, user, password), "waits")
    webmail = Webmail(port, user, password)
    yield Task("webmail opened", lambda: Stream(webmail).close(), "waits")
    stream = Stream(webmail)
    boxes = {box["name"]: box["id"] for box in stream.start["mailboxes"]}

    def task(name: str, kind: Kind, mailbox_id: int, position: int = 0, **query: Any) -> Task:
        filters = {"mailbox_id": mailbox_id, **query.pop("filter", {})}
        work = partial(stream.rows, {"filter": filters, **query}, position=position)
        return Task(f"webmail {name}", work, kind)

    archive, middle = boxes["Archive"], mail.folders["Archive"] // 2
    yield task("Archive", "waits", archive)
    yield task("middle of the Archive", "waits", archive, middle)
    yield task("middle of the Archive's conversations", "waits", archive, middle // 2, threading="on")
    yield task("all mail", "waits", -1)
    yield task("middle of all mail", "whole", -1, mail.total // 2)
    for order in ("size", "sender", "unread"):
        yield task(f"Archive by {order}", "whole", archive, order=order)
        yield task(f"all mail by {order}", "whole", -1, order=order)
    one = rare(mail.folders["Archive"] // 2)
    yield task("search, one", "waits", -1, filter={"words": [one]})
    yield task("search, a common word", "waits", -1, filter={"words": [COMMON]})
    for words in ([COMMON], [COMMON[:2]], [one]):
        glance = {"filter": {"mailbox_id": -1, "words": words}}
        yield Task(f"webmail suggestions for {words[0]}", partial(webmail.call, "search_glance", query=glance), "waits")
    moved: list[int] = []
    yield Task("webmail Inbox archived", partial(_archive, webmail, boxes, moved), "bulk", repeated=False)
    yield Task("webmail archiving undone", partial(_take_back, webmail, boxes, moved), "bulk", repeated=False)
    stream.close()


PART: Final = 400
"""Messages of a call that takes back."""


def _archive(webmail: Webmail, boxes: dict[str, int], moved: list[int]) -> None:
    """Move all of the Inbox into the Archive, as "Select all" does it."""
    stream = Stream(webmail)
    action = {
        "query": {"filter": {"mailbox_id": boxes["Inbox"]}},
        "modseq": stream.start["modseq"],
        "action": "move",
        "mailbox_id": boxes["Archive"],
    }
    stream.close()
    after: object = None
    while True:
        done = webmail.call("query_action", action={**action, "after": after})
        moved += done["message_ids"]
        after = done["after"]
        if after is None:
            return


def _take_back(webmail: Webmail, boxes: dict[str, int], moved: list[int]) -> None:
    for first in range(0, len(moved), PART):
        webmail.call(
            "message_move",
            message_ids=moved[first : first + PART],
            mailbox_id=boxes["Inbox"],
            from_mailbox_id=boxes["Archive"],
        )
