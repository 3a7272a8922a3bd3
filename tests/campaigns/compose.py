"""kill -9 of the server, and of browsers, while messages are written and sent (WEBMAIL-88, WEBMAIL-98, WEBMAIL-100).

A writer uploads a file, saves a draft, saves it again and sends it, by the calls that the browser makes, and repeats
each call under its id until it has an answer; a draft that was acknowledged must be there to be replaced. Some messages
are held for a while, and some of these are taken back and sent again (WEBMAIL-123). The server dies at a random moment
and starts again. In the end each message is in Sent once, has arrived once, each whole, and no draft is left. Then
browsers are killed: `tests.campaigns._killedbrowsers`.
"""

import json
import random
import tempfile
import threading
import time
from collections import Counter
from email.message import EmailMessage
from pathlib import Path

from tests.campaigns._killedbrowsers import kill_browsers
from tests.campaigns._reading import messages
from tests.campaigns.report import Finding, Report
from tests.running import LocalServer
from tests.tools import until
from tests.webcalls import Caller

__all__ = ["run"]

KILLS = 300
LONGEST = 1.2
"""Seconds until a kill: a message takes a third of it."""

TAKEN_BACK = 0.25
"""Share of the messages that are sent, taken back and sent again."""

SETTLED = 90.0
"""Seconds within which all that was sent must have arrived: a loaded machine, and the queue's first retry."""


class Writer(Caller):
    """Writes message after message."""

    def __init__(self, server: LocalServer, random: random.Random) -> None:
        super().__init__(server.port(80), server.user, server.password)
        self.random = random
        self.sent: dict[str, bytes] = {}
        self.draft = 0
        self.stop = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Write messages until `stop`, the last one to its end."""
        try:
            while not self.stop.is_set():
                self.write()
        except BaseException as error:  # told by the main thread
            self.failure = error

    def write(self) -> None:
        """One message, with a file, from its first draft to its sending."""
        number = len(self.sent)
        content = self.random.randbytes(self.random.choice((10, 3_000, 700_000)))
        begun = self.call("compose_prepare", kind="new")
        file = self.ask(f"upload?filename=f{number}", content, "application/octet-stream")
        message = {key: begun[key] for key in ("from", "cc", "bcc", "message_id", "in_reply_to", "references")}
        message |= {
            "to": [{"name": "", "address": self.user}],
            "reply_to": [],
            "subject": f"message {number}",
            "text": "first",
            "uploads": [file["upload_id"]],
        }
        for text in ("first", "second"):
            message["text"] = text
            self.draft = self.call("draft_save", draft=message, save_id=self.new_id(), replaces=self.draft)
        self.sent[f"message {number}"] = content
        draft, self.draft = self.draft, 0
        if self.random.random() < TAKEN_BACK:
            submit_id = self.new_id()
            self.call("message_submit", message=message, submit_id=submit_id, draft_id=draft, undo_s=60)
            draft = self.call("message_submit_undo", submit_id=submit_id)
        undo = self.random.choice((0, 1))
        self.call("message_submit", message=message, submit_id=self.new_id(), draft_id=draft, undo_s=undo)

    def new_id(self) -> str:
        return self.random.randbytes(16).hex()


def run(seed: int, share: float, report: Report) -> None:
    """KILLS × share kills of a server, then of browsers."""
    with tempfile.TemporaryDirectory(prefix="moxlite-compose-") as folder:
        kill_servers(Path(folder), seed, share, report)
        with LocalServer(Path(folder) / "browsed") as server:
            typed = kill_browsers(server, Path(folder), random.Random(seed + 2), share, report)
            words = {one.subject: [word for _, word in one.words] for one in typed}
            until(lambda: len(messages(server, "INBOX")) >= len(words), what="what browsers have sent", pause=0.5)
            for mailbox in ("Sent", "INBOX"):
                if subjects(found := messages(server, mailbox)) != Counter(list(words)):
                    raise Finding(f"{mailbox} of browsers: {sorted(subjects(found).items())}")
                if {one["subject"]: one.get_content().split() for one in found} != words:
                    raise Finding(f"{mailbox} of browsers: a text is another")
            if left := messages(server, "Drafts"):
                raise Finding(f"{len(left)} drafts of browsers are left")


def kill_servers(folder: Path, seed: int, share: float, report: Report) -> None:
    """The part in which the server dies."""
    kills = max(1, round(KILLS * share))
    chance = random.Random(seed)
    with LocalServer(folder / "server") as server:
        writer = Writer(server, random.Random(seed + 1))
        writer.log_in()
        thread = threading.Thread(target=writer.run, daemon=True)
        thread.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0, LONGEST))
            server.kill()
            server.start()
        writer.stop.set()
        thread.join(300)
        if writer.failure is not None:
            raise writer.failure
        if thread.is_alive():
            raise Finding("a message was not answered within five minutes")
        look(server, writer, report, kills)
    checked = server.cli("store", "check", "--deep", check=False)
    if checked.returncode != 0:
        raise Finding(f"the store is not sound: {checked.stdout}{checked.stderr}")


def look(server: LocalServer, writer: Writer, report: Report, kills: int) -> None:
    """Each message is where it belongs, once and whole."""
    end = time.monotonic() + SETTLED
    while len(subjects(arrived := messages(server, "INBOX"))) < len(writer.sent):
        if time.monotonic() > end:
            break
        # a message whose attempts two kills cut off is tried again minutes later: not to be waited for
        server.cli("queue", "retry", "--all", check=False)
        time.sleep(0.5)
    queued = count_queued(server, 2 * len(writer.sent))
    if queued != len(writer.sent):
        raise Finding(f"{queued} messages were queued, {len(writer.sent)} written")
    # The queue speaks SMTP with the listener: when a kill takes the reply away, the message comes once more.
    twice = len(arrived) - len(writer.sent)
    if twice > kills:
        raise Finding(f"INBOX: {twice} messages more than were written, by {kills} kills")
    for mailbox, found, most in (("Sent", messages(server, "Sent"), 1), ("INBOX", arrived, 1 + kills)):
        counts = subjects(found)
        if counts.keys() != writer.sent.keys() or max(counts.values(), default=1) > most:
            missing = set(writer.sent) - set(counts)
            raise Finding(f"{mailbox}: {counts.total()} of {len(writer.sent)} messages; missing {missing}")
        for message in found:
            [file] = message.iter_attachments()
            if file.get_content() != writer.sent[message["subject"]]:
                raise Finding(f"{mailbox}: the file of {message['subject']} is another")
    if left := messages(server, "Drafts"):
        raise Finding(f"{len(left)} drafts are left")
    report.tell(
        f"{kills} kills; {len(writer.sent)} messages written, each once queued and in Sent; all arrived,"
        f" {twice} twice; none half"
    )


def count_queued(server: LocalServer, most: int) -> int:
    """How many messages the queue has had, their ids being `most` at most: the verbs list 100 at once."""
    found = 0
    for first in range(1, most + 1, 100):
        ids = ",".join(map(str, range(first, first + 100)))
        for words in (["retired", "list"], ["list"]):
            found += len(json.loads(server.cli("queue", *words, "--ids", ids, "--json").stdout))
    return found


def subjects(found: list[EmailMessage]) -> Counter[str]:
    """How many messages there are of each subject."""
    return Counter(message["subject"] for message in found)
