"""Look-up of the keys of signatures in DNS (AUTH-30, AUTH-36)."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import trio

from moxlite.mailauth.dkim.keyrecord import KeyRecord, RecordError, choose_record
from moxlite.mailauth.results import SignatureStatus
from moxlite.net.resolver import Answer, DNSError, NotFound, PermError, Resolver

CONCURRENT: Final = 5
"""Number of concurrent DNS queries for one message (AUTH-30)."""

KEYS_TIMEOUT: Final = 30.0
"""Seconds for the keys of a message: less than the limit for all its checks (AUTH-13), so that keys which arrived are
used.
"""


class KeyAnswer(msgspec.Struct, frozen=True):
    """Result of a key look-up: `record`, or `status` and `problem` if there is no usable key."""

    record: KeyRecord | None
    status: SignatureStatus = SignatureStatus.NONE
    problem: str = ""
    authentic: bool = False


async def look_up(resolver: Resolver, names: Iterable[str]) -> Mapping[str, KeyAnswer]:
    """Look up the keys at these names. A key that does not arrive in time gets a temporary error."""
    answers = {name: KeyAnswer(None, SignatureStatus.TEMPERROR, "key: timeout") for name in names}
    if len(answers) <= 1:  # the common case, which needs no tasks
        with trio.move_on_after(KEYS_TIMEOUT):
            for name in answers:
                answers[name] = await _key(resolver, name)
        return answers
    limiter = trio.CapacityLimiter(CONCURRENT)

    async def ask(name: str) -> None:
        async with limiter:
            answers[name] = await _key(resolver, name)

    with trio.move_on_after(KEYS_TIMEOUT):
        async with trio.open_nursery() as nursery:
            for name in answers:
                nursery.start_soon(ask, name)
    return answers


async def _key(resolver: Resolver, name: str) -> KeyAnswer:
    try:
        answer: Answer[str] = await resolver.txt(name)
    except NotFound as error:
        return KeyAnswer(None, SignatureStatus.PERMERROR, "no key record", error.authentic)
    except PermError:
        return KeyAnswer(None, SignatureStatus.PERMERROR, "key: malformed answer of DNS")
    except DNSError:
        return KeyAnswer(None, SignatureStatus.TEMPERROR, "key: no answer of DNS")
    try:
        return KeyAnswer(choose_record(answer.records), authentic=answer.authentic)
    except RecordError as error:
        status = SignatureStatus.TEMPERROR if error.temporary else SignatureStatus.PERMERROR
        return KeyAnswer(None, status, str(error), answer.authentic)
