"""What messages are sorted and threaded by, read from the store (IMAP-127)."""

from collections.abc import Sequence
from functools import partial

from hypothesis import given, strategies as st

from moxlite.imapd.session.sessions import uid_array
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.messageid import references
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.file.transaction import Tx
from moxlite.store.rows.ordering import number_key, text_key
from moxlite.store.rows.sorting import SORT_KEYS, references_of, sort_keys, thread_rows
from moxlite.store.types import MailboxID
from tests.store_fixtures import accounts, store_options
from tests.store_mail import put

__all__ = ["accounts", "store_options"]

INBOX = MailboxID(1)


async def keys_of(account: Account, uids: Sequence[int], *keys: str) -> list[tuple[int, bytes]]:
    """What `sort_keys` yields."""
    read = partial(sort_keys, uids=uids, mailbox_id=INBOX, keys=[(key, False) for key in keys])
    return await account.scan(lambda r: [*read(r)], op="test")


LINES = st.sampled_from(
    [
        b"References: <a@x>\r\n <B@x>\r\n",
        b"reFerences:<c>\n",
        b"In-Reply-To: <r@x> <s@x>\r\n",
        b"IN-REPLY-TO \t:\t<q>\r\n\t<w>\r\n",
        b"References:\r\n",
        b"References: \t<M@X>\t\r\n",
        b'In-Reply-To:<"n"@X>\r\n',
        b"In-Reply-To: <o@x>\n",
        b"Referencesx: <z>\r\n",
        b"X-References: <z>\r\n",
        b'References: <"a b"@x> <"ab"@x> <a\r\n b> <a@x> <>\r\n',
        b"References: <\xfc@x> <d>",
        b" References: <e>\r\n",
        b"junk\r\n",
        b"\0\r\n",
    ]
)
HEADERS = st.lists(
    st.builds(lambda lines, end: b"".join(lines) + end, st.lists(LINES), st.sampled_from([b"", b"\r\n"]))
)


@given(HEADERS)
def test_references_of_a_header_are_those_of_its_fields(headers: list[bytes]) -> None:
    """STORE-77, IMAP-127"""

    def texts(header: bytes, name: bytes) -> list[bytes]:
        return HeaderSection(header).texts(name)

    for header in headers:
        named = references(texts(header, b"references"), *texts(header, b"in-reply-to")[:1])
        assert references_of(header) == tuple(dict.fromkeys(named))


async def test_messages_are_named_by_sparse_and_dense_uids(accounts: Accounts) -> None:
    """IMAP-127: whichever way rows are read, those that are asked for come in order, and none that is not there."""
    async with accounts.use("mia") as account:
        await put(account, 9)
        for uids in ([1, 2, 3], [2, 4, 5], [1, 9], [9, 12], [7], [20], []):
            there = [uid for uid in uids if uid <= 9]
            for keys in (["ARRIVAL"], ["DATE"], ["SUBJECT", "FROM"], sorted(SORT_KEYS)):
                assert [uid for uid, _ in await keys_of(account, uids, *keys)] == there
            for with_references in (True, False):
                found, messages, _ = await account.scan(
                    partial(thread_rows, mailbox_id=INBOX, uids=uid_array(uids), with_references=with_references),
                    op="test",
                )
                assert (found, len(messages)) == (there, len(there))


async def test_a_structure_that_cannot_be_read_counts_as_missing(accounts: Accounts) -> None:
    """IMAP-127, STORE-159: the message is sorted by its arrival, and without addresses."""
    async with accounts.use("mia") as account:
        await put(account, 1)

        def damage(tx: Tx) -> int:
            tx.execute("UPDATE message_info SET structure = x'c1'")
            received: int = tx.value("SELECT received FROM message")
            return received

        received = await account.write(damage)
        key = number_key(received)
        assert await keys_of(account, [1], "DATE", "FROM", "DISPLAYTO") == [(1, key + text_key("") + text_key(""))]
        assert await keys_of(account, [1], "DATE") == [(1, key)]
        _, (message,), _ = await account.scan(lambda r: thread_rows(r, INBOX, uid_array([1])), op="test")
        assert (message.date, message.response) == (received, False)
