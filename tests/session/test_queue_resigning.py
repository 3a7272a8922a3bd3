"""Signatures of messages that have waited for long, as hosts get them, by attempts of a running queue."""

from pathlib import Path

import pytest

from moxlite.config.load import load
from moxlite.mailauth.dkim.message import Message as Signed
from moxlite.mailauth.dkim.sign import generate, key_record, sign, to_pem
from moxlite.mailauth.dkim.verify import verify
from moxlite.net.resolver import RecordType
from moxlite.proto.address import Address
from tests.queue_rig import START, Rig, Server, rig_at

pytestmark = pytest.mark.served

KEY = generate("ed25519")
NEXT = generate("ed25519")
DOMAIN = 'dkim = {{ sign = ["{0}"], selectors = {{ {0} = {{ key_file = "{0}.pem" }} }} }}'
MESSAGE = b"From: Alice <alice@own.example>\r\nSubject: test\r\nMessage-Id: <m1@own.example>\r\n\r\n.body\r\n"
TRACE = b"Received: by mail.own.example\r\n"
HOUR = 3600


async def signed(rig: Rig, selector: str, *recipients: str, **facts: object) -> None:
    """Queue a message as a submission does it."""
    signers = rig.queue.ctx.keys.signers(rig.snapshot.domain(Address.parse("alice@own.example").domain))
    author = Address.parse("alice@own.example")
    fields = await sign(Signed.of(MESSAGE), author, signers, START / 1_000_000)
    assert f"s={selector}".encode() in fields
    await rig.submit(*recipients, data=MESSAGE, prefix=TRACE + fields, **facts)


def prepare(folder: Path) -> None:
    (folder / "a.pem").write_bytes(to_pem(KEY))
    (folder / "b.pem").write_bytes(to_pem(NEXT))


async def results(rig: Rig, message: bytes) -> list[tuple[str, str]]:
    """Status and selector of each signature."""
    for name, key in (("a", KEY), ("b", NEXT)):
        rig.resolver.set(f"{name}._domainkey.own.example", RecordType.TXT, [key_record(key)])
    found = await verify(rig.resolver, Signed.of(message), now=rig.clock.now / 1_000_000)
    return [(str(one.status), one.selector) for one in found]


async def test_a_late_message_carries_a_fresh_signature(tmp_path: Path) -> None:
    """AUTH-46: after two days of failures, for all recipients; once a day at most."""
    prepare(tmp_path)
    later = "451 4.2.0 later"
    async with rig_at(tmp_path, domain=DOMAIN.format("a")) as rig:
        mx = rig.remote(Server({"RCPT": [later] * 18 + ["250 ok"]}))
        await signed(rig, "a", "bob@remote.example", "carol@remote.example")
        await rig.settle()
        prefixes = set()
        while not mx.messages:
            rows = await rig.queue.listings.list_messages()
            prefixes.add(rows[0].prefix)
            assert len({row.prefix for row in rows}) == 1
            assert all(row.size == len(row.prefix) + len(MESSAGE) for row in rows)
            await rig.pass_time(16.5 * HOUR)
        assert rig.clock.now - START > 72 * HOUR * 1_000_000
        [message] = mx.messages
        assert await results(rig, message) == [("pass", "a")]
        assert message.count(b"DKIM-Signature:") == 1
        assert TRACE in message
        assert message.endswith(MESSAGE)
        assert 2 <= len(prefixes) <= 5


async def test_a_released_message_is_signed_at_its_time(tmp_path: Path) -> None:
    """AUTH-46, QUEUE-27: FUTURERELEASE after ten days, by the selector of then; a young signature stays."""
    prepare(tmp_path)
    async with rig_at(tmp_path, domain=DOMAIN.format("a")) as rig:
        mx = rig.remote(Server())
        await signed(rig, "a", "bob@remote.example", hold_until=START + 240 * HOUR * 1_000_000)
        await signed(rig, "a", "carol@remote.example")
        await rig.settle()
        [row] = await rig.queue.listings.list_messages()
        await rig.pass_time(241 * HOUR)
        first, last = mx.messages
        assert f"t={START // 1_000_000};".encode() in first
        assert await results(rig, last) == [("pass", "a")]
        assert row.prefix not in last


@pytest.mark.parametrize("how", ["no selectors", "another selector"])
async def test_keys_change_while_a_message_waits(tmp_path: Path, how: str) -> None:
    """AUTH-46: the selectors of now sign; without any it goes out without signature."""
    prepare(tmp_path)
    async with rig_at(tmp_path, domain=DOMAIN.format("a")) as rig:
        mx = rig.remote(Server({"RCPT": ["451 4.2.0 later", "250 ok"]}))
        await signed(rig, "a", "bob@remote.example")
        await rig.settle()
        text = (tmp_path / "domains.toml").read_text()
        after = DOMAIN.format("b") if how == "another selector" else ""
        (tmp_path / "domains.toml").write_text(text.replace(DOMAIN.format("a"), after))
        rig.snapshot, _ = load(tmp_path / "moxlite.toml")
        assert rig.queue.ctx.keys.read(rig.snapshot) == []
        await rig.pass_time(25 * HOUR)
        [message] = mx.messages
        assert await results(rig, message) == ([("pass", "b")] if after else [])
        assert message.endswith(MESSAGE)
        assert TRACE in message
