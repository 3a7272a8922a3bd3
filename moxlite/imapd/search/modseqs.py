"""The highest modseq of some messages, which an answer shows (RFC 7162 §3.1.5, §3.1.10)."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from moxlite.imapd.session.uidlist import uid_array
from moxlite.imapd.session.view import View
from moxlite.store.mail.fetching import fetch_rows

__all__ = ["highest_modseq"]

PAGE: Final = 100_000
"""Messages whose modseqs are read at once, in a thread."""


async def highest_modseq(view: View, uids: Sequence[int]) -> int:
    """Of these messages; 0 for none. All changes up to it are told before the command ends (`View.shown`)."""
    highest = 0
    ascending = uid_array(sorted(uids))
    for start in range(0, len(ascending), PAGE):
        part = ascending[start : start + PAGE]
        rows, _ = await view.seat.account.scan(
            partial(fetch_rows, mailbox_id=view.mailbox_id, uids=part, columns=("modseq",)), op="imap-search"
        )
        highest = max([highest, *[row[5] for row in rows]])
    view.shown = max(view.shown, highest)
    return highest
