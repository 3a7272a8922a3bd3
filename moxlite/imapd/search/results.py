"""ESEARCH responses for results in any order: of SORT and of searches in several mailboxes (RFC 4731, RFC 5267 §3,
RFC 7377 §2.1, RFC 9394).
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from moxlite import processor
from moxlite.imapd.fetch.fetch import partial_of
from moxlite.imapd.session.named import highest_modseq
from moxlite.imapd.session.state import Session
from moxlite.imapd.session.view import View
from moxlite.proto.imap.encode import encode
from moxlite.proto.imap.responses import EsearchData
from moxlite.proto.imap.search import Return

T = TypeVar("T")

FEW: Final = 500
"""Number of messages whose results are composed on the loop. More take over 5 ms."""


async def off_loop(count: int, work: Callable[[], T]) -> T:
    """Run `work` on `count` messages, in a thread if they are many."""
    return work() if count <= FEW else await processor.off_loop(work, kind="imap-search")


async def esearch(
    session: Session,
    view: View,
    uids: Sequence[int],
    returns: Return,
    *,
    uid: bool,
    with_modseq: bool,
    mailbox: tuple[str, int] | None = None,
) -> tuple[bytes, Sequence[int]]:
    """The octets of the response, empty for RETURN (SAVE), and the UIDs that SAVE keeps (RFC 5182 §2.1).

    Args:
      uids: the result in its order, on which MIN, MAX and PARTIAL depend. mailbox: name and UIDVALIDITY to be sent.
    """
    kept = uids
    # SAVE keeps what MIN and MAX report; with other options the whole result (RFC 5182 §2.1, table)
    if (returns.min or returns.max) and not (returns.all or returns.count or returns.partial):
        kept = [*(uids[:1] if returns.min else ()), *(uids[-1:] if returns.max else ())]
    if returns == Return(save=True):
        return b"", kept

    def ranges(some: Sequence[int]) -> tuple[tuple[int, int], ...]:
        return _in_order(some if uid else [view.number(one) for one in some])

    def number(one: int) -> int:
        return one if uid else view.number(one)

    modseq = await highest_modseq(view, kept) if with_modseq else 0
    name, uidvalidity = mailbox or (None, None)
    asked = returns.partial

    def render() -> bytes:
        data = EsearchData(
            session.running.tag,
            uid,
            min=number(uids[0]) if uids and returns.min else None,
            max=number(uids[-1]) if uids and returns.max else None,
            all=ranges(uids) if uids and returns.all else None,
            count=len(uids) if returns.count else None,
            modseq=modseq or None,
            partial=None if asked is None else (asked, ranges(partial_of(uids, asked)) or None),
            mailbox=name,
            uidvalidity=uidvalidity,
        )
        return encode(data, utf8=session.extensions.utf8)

    # a result of many thousands takes milliseconds to encode
    return await off_loop(len(uids), render), kept


def _in_order(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Ranges that give the numbers in exactly this order (RFC 5267 §3.2: a range ascends)."""
    found: list[tuple[int, int]] = []
    first = last = 0
    for number in numbers:
        if first and number == last + 1:
            last = number
            continue
        if first:
            found.append((first, last))
        first = last = number
    if first:
        found.append((first, last))
    return tuple(found)
