"""Networks that send too much, and clients that are slowed down (SMTP-15, SMTP-81, SMTP-134, SMTP-137)."""

import re

import msgspec
import pytest
import trio

from moxlite.smtpd import Context
from moxlite.smtpd.context import Timeouts
from moxlite.store.types import Flag
from tests.session.smtpd_harness import TLS, Smtp, clock, smtp
from tests.session.test_smtpd_checks import MAIL, signed, zone
from tests.session.test_smtpd_decisions import count, mark, send

__all__ = ["clock", "smtp"]

pytestmark = pytest.mark.served


def limited(smtp: Smtp, limits: str) -> Context:
    """The context with `rate_limits`."""
    return smtp.configured(f"[postmaster]=>[rate_limits]\\n{limits}\\n[postmaster]")


@pytest.mark.parametrize(
    ("limits", "passing", "remotes"),
    [
        ("messages_per_minute = [2, 9, 9]", 2, ["198.51.100.7"] * 3),
        ("messages_per_minute = [9, 2, 9]", 2, ["198.51.100.7", "198.51.100.20", "198.51.100.40"]),
        ("messages_per_minute = [9, 9, 2]", 2, ["198.51.100.7", "198.51.100.200", "198.51.103.1"]),
        ("messages_per_day = [1, 9, 9]", 1, ["::ffff:198.51.100.7", "198.51.100.7"]),
        ("messages_per_day = [2, 9, 9]", 2, ["2001:db8::1", "2001:db8::2", "2001:db8::3"]),
        ("mebibytes_per_minute = [0, 9, 9]", 0, ["198.51.100.7"]),
        ("mebibytes_per_day = [9, 0, 9]", 0, ["198.51.100.7"]),
        ("messages_per_day = [1, 1, 1]", 3, ["198.51.100.7", "203.0.113.9", "192.0.2.9"]),
        ('messages_per_day = [0, 0, 0]\\nexempt = ["198.51.100.0/24"]', 2, ["198.51.100.7", "198.51.100.8"]),
    ],
)
async def test_what_one_network_may_send_to_an_account(
    smtp: Smtp, limits: str, passing: int, remotes: list[str]
) -> None:
    """SMTP-81, SMTP-134, SMTP-137, SMTP-137a: then 452 4.2.2, and no copy that would fill the account further."""
    context = limited(smtp, limits)
    replies = [await send(smtp, context=context, proven=True, remote=remote) for remote in remotes]
    assert [reply[:3] for reply in replies] == ["250"] * passing + ["452"] * (len(remotes) - passing)
    assert all(reply.startswith("452 4.2.2 too much mail") for reply in replies[passing:])
    assert await count(smtp, "Inbox", "Rejects") == (passing, 0)


async def test_other_accounts_are_not_touched(smtp: Smtp) -> None:
    """SMTP-137: the limits are those of one account; what also goes to others waits for that one (SMTP-108)."""
    context = limited(smtp, "messages_per_day = [1, 9, 9]")
    assert (await send(smtp, context=context)).startswith("250")
    assert (await send(smtp, context=context)).startswith("452")
    assert (await send(smtp, context=context, to="bo@ours.example")).startswith("250")
    assert (await send(smtp, context=context, to="team@ours.example")).startswith("452")
    assert [one.account for one in smtp.deferred] == []


async def test_a_limit_of_one_account_is_a_retry_for_that_one(smtp: Smtp) -> None:
    """SMTP-81, SMTP-108: the others have the message; it waits in the queue, and no notice is written."""
    context = msgspec.structs.replace(limited(smtp, "messages_per_day = [1, 9, 9]"), resolver=zone())
    mail = await signed()
    async with smtp.connect(context=context, tls=TLS) as client:
        assert (await client.deliver(message=mail)).startswith("250")
        await client.play("C: MAIL FROM:<ann@remote.example>\nS: 250")
        await client.play(
            "C: RCPT TO:<mia@ours.example>\nS: 250\nC: RCPT TO:<bo@ours.example>\nS: 250\nC: DATA\nS: 354"
        )
        await client.send(mail + b".\r\n")
        assert (await client.reply()).startswith("250")
    assert [(one.account, one.code, one.ecode) for one in smtp.deferred] == [("mia", 452, "4.2.2")]
    assert await smtp.carried() == []
    assert len(await smtp.messages("bo")) == 1


async def test_what_the_own_queue_brings_has_no_rate(smtp: Smtp) -> None:
    """SMTP-137: nor have users who write to each other."""
    context = limited(smtp, "messages_per_day = [0, 0, 0]")
    assert (await send(smtp, context=context, trusted=True)).startswith("250")


@pytest.mark.parametrize("why", ["junk", "rate"])
async def test_who_is_refused_so_is_slowed_down(smtp: Smtp, clock: trio.testing.MockClock, why: str) -> None:
    """SMTP-15, SMTP-81, SMTP-102: from the refusal on replies come by one octet a second; the next client is served as
    ever.
    """
    context = limited(smtp, "messages_per_day = [0, 0, 0]") if why == "rate" else smtp.context
    if why == "junk":
        assert (await send(smtp)).startswith("250")
        await mark(smtp, Flag.JUNK)
    slow = msgspec.structs.replace(context, resolver=zone(), timeouts=Timeouts(unknown=0.0))
    async with smtp.connect(context=slow, tls=TLS) as client:
        await client.play("C: MAIL FROM:<ann@remote.example>\nS: 250\nC: RCPT TO:<mia@ours.example>\nS: 250")
        await client.play("C: DATA\nS: 354")
        await client.send(MAIL + b".\r\n")
        clock.rate = 20.0  # no leaps: threads read what the decision needs
        began = trio.current_time()
        assert (await client.reply()).startswith("452 4.2.2" if why == "rate" else "451 4.3.0")
        assert trio.current_time() - began > 20
        assert (await client.say("NOOP")).startswith("250")
        assert trio.current_time() - began > 30
        assert re.fullmatch(r"221 2\.0\.0 \S.*", await client.say("QUIT"))
        assert await client.reply() == ""
    async with smtp.connect(context=slow, tls=TLS, remote="203.0.113.9") as client:
        await client.play("C: NOOP\nS: 250")
