"""Device sessions in auth.db: tokens that change, their theft, and how long such a session lives."""

import time
from pathlib import Path

import pytest
import trio

from moxlite.store.auth import sessions, websessions
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.sessions import (
    DEVICE_AGE,
    DEVICE_UNUSED,
    BadCSRF,
    NoSession,
    Session,
    SessionExpired,
    SessionStolen,
)
from moxlite.store.auth.websessions import OVERLAP, SETTLED, TURN
from moxlite.store.errors import StorageFull
from moxlite.store.file.transaction import Tx
from tests.store_fixtures import auth

__all__ = ["auth"]

DAY = 24 * 3600 * 1_000_000


class Device:
    """A browser that stays logged in, and a clock that both sides go by."""

    def __init__(self, auth: AuthDB, now: int) -> None:
        self.auth = auth
        self.now = now
        self.token = ""
        self.csrf = ""

    async def use(self, token: str = "", *, renew: bool = True) -> Session:
        """A request; the browser takes the token that it is given."""
        brought = token or self.token
        session = await self.auth.sessions.use(
            brought, "webmail", "mia", csrf=self.csrf, remote_ip="192.0.2.9", renew=renew
        )
        if session.renewed and not token:
            self.token = session.renewed
        return session


@pytest.fixture
async def device(auth: AuthDB, monkeypatch: pytest.MonkeyPatch) -> Device:
    made = Device(auth, time.time_ns() // 1000)
    monkeypatch.setattr(time, "time_ns", lambda: made.now * 1000)
    tokens = await auth.sessions.add("webmail", "mia", "mia@example.org", remote_ip="192.0.2.1", device=True)
    assert tokens.device
    made.token, made.csrf = tokens.token, tokens.csrf
    return made


async def test_a_token_serves_a_day_and_is_replaced_then(device: Device) -> None:
    """WEBMAIL-22a, STORE-105b: the next one becomes the current one a minute after it was made."""
    first = device.token
    device.now += TURN - 2 * SETTLED
    assert (await device.use()).renewed == ""
    device.now += 3 * SETTLED
    assert (await device.use()).renewed == device.token != first
    assert (await device.use()).renewed == ""
    device.now += SETTLED
    second = device.token
    assert (await device.use()).renewed == ""
    device.now += TURN + SETTLED
    assert (await device.use()).renewed not in ("", first, second)


async def test_two_tabs_get_the_same_token_and_a_lost_answer_is_repeated(device: Device) -> None:
    """WEBMAIL-22a"""
    first = device.token
    device.now += TURN + SETTLED
    given: list[str] = []

    async def tab() -> None:
        given.append((await device.use(first)).renewed)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(tab)
    assert len(set(given)) == 1
    device.now += 10 * DAY  # the answers never arrived
    assert (await device.use(first)).renewed == given[0]


async def test_requests_without_room_for_a_cookie_change_nothing(device: Device) -> None:
    """WEBMAIL-22a: pages and streams use the token that there is."""
    device.now += TURN + SETTLED
    assert (await device.use(renew=False)).renewed == ""


async def turn(device: Device) -> str:
    """The token is replaced; returns the earlier one."""
    earlier = device.token
    device.now += TURN + SETTLED
    await device.use()
    device.now += SETTLED
    await device.use()
    assert device.token != earlier
    return earlier


async def test_an_earlier_token_is_taken_for_a_few_minutes(device: Device) -> None:
    """WEBMAIL-22a: requests that were on their way."""
    earlier = await turn(device)
    device.now += OVERLAP - 1
    assert (await device.use(earlier)).renewed == ""
    assert (await device.use()).device


@pytest.mark.parametrize("turns", [1, 5])
async def test_a_stolen_token_ends_the_session(device: Device, turns: int) -> None:
    """WEBMAIL-22a, STORE-105b: any earlier token is known as long as the session; both sides are told."""
    earlier = await turn(device)
    for _ in range(turns - 1):
        await turn(device)
    device.now += OVERLAP
    assert len(await device.auth.sessions.of("mia")) == 1
    with pytest.raises(SessionStolen):
        await device.use(earlier)
    assert await device.auth.sessions.of("mia") == []
    for token in (device.token, earlier):
        with pytest.raises(SessionStolen):
            await device.use(token)


async def test_the_next_token_of_a_stolen_session_is_refused_too(device: Device) -> None:
    """WEBMAIL-22a"""
    earlier = await turn(device)
    device.now += TURN + SETTLED
    await device.use()
    with pytest.raises(SessionStolen):
        await device.use(earlier)
    with pytest.raises(SessionStolen):
        await device.use()


def octets_below(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


async def test_the_file_does_not_tell_tokens(device: Device, tmp_path: Path) -> None:
    """WEBMAIL-22a, STORE-105b: hashes only, of the next token, too."""
    first = device.token
    device.now += TURN + SETTLED
    await device.use()
    octets = octets_below(tmp_path)
    assert b"mia@example.org" in octets
    assert first.encode() not in octets
    assert device.token.encode() not in octets


async def test_a_device_ends_after_thirty_days_without_use(device: Device) -> None:
    """WEBMAIL-22a, STORE-105b"""
    device.now += DEVICE_UNUSED - 1
    await device.use()
    device.now += DEVICE_UNUSED - 1
    await device.use()
    device.now += DEVICE_UNUSED + 1
    with pytest.raises(SessionExpired):
        await device.use()


async def test_a_device_ends_after_180_days_however_often_it_is_used(device: Device) -> None:
    """WEBMAIL-22a, STORE-105b"""
    began = device.now
    while device.now - began < DEVICE_AGE - 5 * DAY:
        await device.use()
        device.now += 5 * DAY
    device.now = began + DEVICE_AGE - 1
    await device.use()
    device.now += 2
    with pytest.raises(SessionExpired):
        await device.use()
    with pytest.raises(SessionExpired):
        await device.use()


async def test_the_list_tells_the_address_of_the_last_use(device: Device) -> None:
    """WEBMAIL-22a, WEB-70"""
    [listed] = await device.auth.sessions.of("mia")
    assert (listed.remote_ip, listed.device) == ("192.0.2.1", True)
    device.now += sessions.WRITE_INTERVAL
    await device.use()
    [listed] = await device.auth.sessions.of("mia")
    assert listed.remote_ip == "192.0.2.9"


async def test_a_session_that_ends_takes_its_tokens_along(device: Device) -> None:
    """WEBMAIL-22a: ended in the list, it is unknown by any token."""
    earlier = await turn(device)
    [listed] = await device.auth.sessions.of("mia")
    assert await device.auth.sessions.remove("mia", listed.id)
    for token in (earlier, device.token):
        with pytest.raises(NoSession):
            await device.use(token)
    assert await device.auth.database.read(lambda r: r.rows("SELECT 1 FROM session_token"), op="test") == []


async def test_only_devices_may_be_ended(device: Device) -> None:
    """WEBMAIL-22a: a change of second factors ends devices, and leaves other sessions alone."""
    other = await device.auth.sessions.add("webmail", "mia", "mia@example.org")
    assert await device.auth.sessions.remove_all("mia", devices=True) == 1
    await device.auth.sessions.use(other.token, "webmail", "mia")
    with pytest.raises(NoSession):
        await device.use()


async def test_a_wrong_csrf_token_is_refused_with_each_kind_of_token(device: Device) -> None:
    """WEB-53, WEBMAIL-22a"""
    earlier = await turn(device)
    device.csrf = "wrong"
    for token in (earlier, device.token):
        with pytest.raises(BadCSRF):
            await device.use(token)


async def test_a_file_that_cannot_be_written_ends_no_device(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-105a, STORE-105b: the token stays until a new one can be stored."""

    def full(*_: object) -> str:
        raise StorageFull("no room")

    device.now += TURN + SETTLED
    monkeypatch.setattr(websessions, "next_token", full)
    assert (await device.use()).renewed == ""
    monkeypatch.undo()


async def test_a_device_that_cannot_be_stored_is_an_ordinary_session(
    auth: AuthDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-105a: memory does not outlast the server."""

    def full(tx: Tx, *_: object, **__: object) -> None:
        raise StorageFull("no room")

    monkeypatch.setattr(sessions, "add_session", full)
    tokens = await auth.sessions.add("webmail", "mia", "mia@example.org", device=True)
    assert not tokens.device
    assert not (await auth.sessions.use(tokens.token, "webmail", "mia")).device
