"""The list of files of a large account, whose messages are copied in the store (WEBMAIL-184)."""

import time
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Final

import pytest

from tests.largeaccount import fill
from tests.tools import slowness
from tests.web_rig import Browser, Rig

pytestmark = [pytest.mark.served, pytest.mark.slow]

SECONDS: Final = 0.06
"""Processor time of one list."""

RUNS: Final = 6
"""The best of these counts."""

LISTS: Final[dict[str, tuple[dict[str, Any], int]]] = {
    "all": ({"attachments": "any"}, 50),
    "one in 200": ({"attachments": "pdf"}, 50),
    "by their names": ({"filenames": ["plan"]}, 50),
    "none": ({"filenames": ["nothing"]}, 0),
}
"""What is asked for, and how many messages come at least."""


def with_file(number: int) -> bytes:
    """A message of its kind: one kind in fifty has a file, one in 200 a PDF."""
    message = EmailMessage()
    message["From"], message["Subject"] = f"Ann {number % 9} <ann@nordlicht.example>", f"Plan {number}"
    message.set_content("A line.\n")
    if number % 50 == 7:
        kind, name = ("pdf", f"plan {number}.pdf") if number == 7 else ("zip", f"all {number}.zip")
        message.add_attachment(b"x" * 2000, maintype="application", subtype=kind, filename=name)
    return message.as_bytes(policy=SMTP)


@pytest.mark.landing("12000")
@pytest.mark.parametrize("messages", [12_000, 100_000])
async def test_files_are_listed_as_fast_among_100_000_messages(rig: Rig, browser: Browser, messages: int) -> None:
    """WEBMAIL-184: the newest files, files of a rare kind, and files by name, of which few or none exist."""
    async with rig.account() as account:
        await fill(account, messages, make=with_file)
        assert await account.indexer.once()
        for name, (fields, least) in LISTS.items():
            query = {"filter": {"mailbox_id": -1, **fields}}
            times = []
            for _ in range(RUNS):
                begun = time.process_time()
                listed = await browser.call("files", query=query, after=None)
                times.append(time.process_time() - begun)
                assert len(listed["messages"]) >= least, name
            assert min(times) < SECONDS * slowness(), (name, times)
