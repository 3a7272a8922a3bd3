"""What replies of other servers mean, and which addresses are left alone after them, by attempts of a running queue."""

import json
import tomllib
from pathlib import Path

import msgspec
import pytest

from moxlite.queue.bounces import UNNAMED, explain
from moxlite.queue.data.status import meaning_of
from moxlite.queue.errors import AlreadySuppressed, BadFilter, NotSuppressed
from moxlite.store.delivery.status import State
from tests.queue_rig import Server, rig_at
from tests.tools import top

pytestmark = pytest.mark.served

KEEP = 'keep_retired_message_period = "200h"'


class Reply(msgspec.Struct, frozen=True):
    """An entry of fixtures/replies/replies.toml."""

    name: str
    page: str
    code: int
    command: str
    lines: tuple[str, ...]
    cause: str
    status: str = ""
    dead: bool = False

    @property
    def wire(self) -> str:
        """As a server sends it."""
        status, last = f"{self.status} " if self.status else "", len(self.lines) - 1
        return "\r\n".join(
            f"{self.code}{' ' if at == last else '-'}{status}{line}" for at, line in enumerate(self.lines)
        )


def replies() -> list[Reply]:
    data = tomllib.loads((top() / "fixtures/replies/replies.toml").read_text())
    return msgspec.convert(data["reply"], list[Reply])


COMMANDS = {"mail": "MAIL", "rcpt": "RCPT", "data": "final"}


@pytest.mark.parametrize("reply", replies(), ids=lambda reply: reply.name)
async def test_replies_are_understood(tmp_path: Path, reply: Reply) -> None:
    """QUEUE-180, QUEUE-82: by what the provider documents, or users quote: cause, words for people, and whether the
    address is dead. A block of our own address says nothing of the recipient.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server({COMMANDS[reply.command]: reply.wire}))
        [number] = await rig.submit("bob@remote.example")
        await rig.settle()
        rows = await rig.queue.listings.list_messages()
        [result] = (rows[0] if rows else await rig.queue.listings.get_retired(number)).results
        found = meaning_of(result)
        assert found.cause == reply.cause
        assert found is UNNAMED or found.meaning.endswith(".")
        [status] = await rig.queue.deliveries.status("alice", "<m1@own.example>")
        assert status.advice == found.advice
        assert status.cause == reply.cause
        if found.cause in ("blocked-ip", "auth"):
            assert found.admin
        inbox = await rig.inbox()
        assert len(inbox) == (reply.code >= 500)
        if inbox:
            text = " ".join(inbox[0].decode().replace("=\r\n", "").split())
            assert all(sentence in text for sentence in (found.meaning, found.advice, found.admin))
        listed = await rig.queue.suppressions("alice")
        assert [one.base_address for one in listed] == (["bob@remote.example"] if reply.dead else [])


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (
            "550-Verification failed for <alice@own.example>\r\n550-No such user here\r\n550 Sender verify failed",
            "auth",
        ),
        ("550 5.1.8 <alice@own.example>: Sender address rejected: Domain not found", "auth"),
        ("550 5.1.7 bad return path", "auth"),
        ("550 Domain own.example does not exist", "unknown-user"),
    ],
)
async def test_what_is_wrong_with_the_sender_suppresses_no_recipient(tmp_path: Path, reply: str, cause: str) -> None:
    """QUEUE-82, QUEUE-180: servers check the sender at RCPT, too, and quote what they were told about it."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server({"RCPT": reply}))
        [number] = await rig.submit("bob@remote.example")
        await rig.settle()
        [result] = (await rig.queue.listings.get_retired(number)).results
        assert meaning_of(result).cause == cause
        assert await rig.queue.suppressions("alice") == []


def asked(server: Server) -> int:
    """For how many recipients a server was asked."""
    return sum(line.startswith("RCPT") for line in server.lines)


async def test_what_is_suppressed_is_not_sent(tmp_path: Path) -> None:
    """QUEUE-81, QUEUE-82, QUEUE-83: a dead address is asked once; the next message fails without a connection, with a
    notice that says how to end that; other accounts send there.
    """
    async with rig_at(tmp_path, account=KEEP) as rig:
        mx = rig.remote(Server({"RCPT TO:<bob": "550 5.1.1 no such user"}))
        await rig.submit("Bob+news@remote.example")
        await rig.settle()
        [entry] = await rig.queue.suppressions("alice")
        assert (entry.base_address, entry.original_address) == ("bob@remote.example", "Bob+news@remote.example")
        assert not entry.manual
        assert "550 5.1.1" in entry.reason
        await rig.submit("bob@remote.example", "carol@remote.example", message_id="<m2@own.example>")
        await rig.settle()
        assert asked(mx) == 2
        assert mx.recipients == [["carol@remote.example"]]
        bob, carol = await rig.queue.deliveries.status("alice", "<m2@own.example>")
        assert (bob.state, carol.state) == (State.FAILED, State.DELIVERED)
        assert "suppression list" in bob.error
        assert "administrator" in bob.advice
        _, notice = await rig.inbox()
        assert b"administrator" in notice
        assert b"suppress remove" not in notice  # a verb that its reader cannot use
        assert "queue suppress remove" in explain(0, "", "", "suppress").admin
        assert len(await rig.queue.suppressions("alice")) == 1
        await rig.submit("bob@remote.example", account="admin", sender="admin@own.example")
        await rig.settle()
        assert asked(mx) == 3
        await rig.queue.remove_suppression("alice", "BOB@remote.example")
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert asked(mx) == 4


async def test_addresses_are_matched_in_their_base_form(tmp_path: Path) -> None:
    """QUEUE-80: cut at `+`, lower case; dots only at Gmail; `mary-ann@` is not `mary@`."""
    async with rig_at(tmp_path, serve=False) as rig:
        queue = rig.queue
        await queue.add_suppression("alice", "Mary-Ann+x-y@Remote.example", "left")
        await queue.add_suppression("alice", "j.o.e+list@gmail.com")
        await queue.add_suppression("alice", "a.b@remote.example")
        for address in ("mary-ann@remote.example", "MARY-ANN+z@remote.example", "joe@gmail.com", "J.oe@GMAIL.com"):
            assert await queue.suppression("alice", address) is not None, address
        for address in ("mary@remote.example", "ab@remote.example", "joe@googlemail.com", "mary-ann@other.example"):
            assert await queue.suppression("alice", address) is None, address
        assert await queue.suppression("admin", "mary-ann@remote.example") is None


async def test_entries_by_hand_are_exact(tmp_path: Path) -> None:
    """QUEUE-83: what is there cannot be added, what is not there cannot be removed; they never expire."""
    async with rig_at(tmp_path, static='[queue]\nsuppression_expiry = "1h"', serve=False) as rig:
        queue = rig.queue
        await queue.add_suppression("alice", "bob@remote.example", "asked for it")
        with pytest.raises(AlreadySuppressed):
            await queue.add_suppression("alice", "Bob+x@remote.example")
        with pytest.raises(NotSuppressed):
            await queue.remove_suppression("alice", "carol@remote.example")
        with pytest.raises(BadFilter):
            await queue.add_suppression("alice", "no address")
        rig.clock.advance(7200)
        await queue.clean()
        [entry] = await queue.suppressions()
        assert (entry.manual, entry.expires, entry.reason) == (True, None, "asked for it")
        await queue.remove_suppression("alice", "bob@remote.example")
        assert await queue.suppressions() == []


async def test_automatic_entries_expire(tmp_path: Path) -> None:
    """QUEUE-83: after `queue.suppression_expiry`; then the address is asked again."""
    async with rig_at(tmp_path, static='[queue]\nsuppression_expiry = "1h"') as rig:
        mx = rig.remote(Server({"RCPT": ["550 5.1.1 no such user", "250 ok"]}))
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert await rig.queue.suppression("alice", "bob@remote.example") is not None
        rig.clock.advance(3601)
        assert await rig.queue.suppression("alice", "bob@remote.example") is None
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert len(mx.messages) == 1


async def test_three_failures_in_a_row_are_enough(tmp_path: Path) -> None:
    """QUEUE-82: of a kind that says little by itself; with a delivery in between they are not in a row."""
    no = "550 5.0.0 not now, not ever"
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server({"RCPT": [no, no, "250 ok", no, no, no]}))
        for number in range(6):
            assert await rig.queue.suppressions() == [], number
            await rig.submit("bob@remote.example")
            await rig.settle()
            rig.clock.advance(1)
        [entry] = await rig.queue.suppressions()
        assert entry.base_address == "bob@remote.example"


@pytest.mark.parametrize("text", ["550 5.1.1 no such user", "554 5.7.1 blocked using zen.spamhaus.org"])
async def test_own_accounts_and_own_failures_are_never_suppressed(tmp_path: Path, text: str) -> None:
    """QUEUE-82: what this server says itself: the address is known here, and may come back."""
    static = '[transports.no.fail]\nsmtp_code = 550\nsmtp_message = "5.1.1 no such user"'
    async with rig_at(
        tmp_path, static=static, domains='[[routes]]\nto_domain = ["shut.example"]\ntransport = "no"'
    ) as rig:
        rig.local.replies["RCPT"] = [text]
        await rig.submit("nobody@own.example", "bob@shut.example")
        await rig.settle()
        assert await rig.queue.listings.list_messages() == []
        assert await rig.queue.suppressions() == []


async def test_programs_are_told(tmp_path: Path) -> None:
    """QUEUE-82, QUEUE-94: `failed` with suppressing, then `suppressed`."""
    hook = '[accounts.alice.outgoing_webhook]\nurl = "https://hooks.example/"'
    async with rig_at(tmp_path, account=KEEP, domains=hook) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no such user"}))
        for _ in range(2):
            await rig.submit("bob@remote.example")
            await rig.settle()
        payloads = [json.loads(row.payload) for row in await rig.queue.webhooks.list_hooks()]
        told = [(one["Event"], one["Suppressing"]) for one in sorted(payloads, key=lambda one: one["QueueMsgID"])]
        assert told == [("failed", True), ("suppressed", False)]


async def test_lists_of_accounts_that_are_gone_go_too(tmp_path: Path) -> None:
    """ADMIN-15, QUEUE-80."""
    async with rig_at(tmp_path, serve=False) as rig:
        await rig.queue.add_suppression("alice", "bob@remote.example")
        await rig.queue.add_suppression("gone", "bob@remote.example")
        await rig.queue.clean()
        assert [one.account for one in await rig.queue.suppressions()] == ["alice"]


def test_endless_replies_cost_little() -> None:
    """QUEUE-150, QUEUE-180: no more than 2 KiB are looked at."""
    assert explain(550, "", "x" * 10_000_000 + " user unknown", "rcpt") is UNNAMED
