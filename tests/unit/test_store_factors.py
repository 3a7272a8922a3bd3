"""Second factors in auth.db: each code serves once, whatever happens in between."""

import time
from pathlib import Path

import pytest
import trio

from moxlite.proto.totp import PERIOD, hotp, new_secret
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.auth.apppasswords import passwords
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.credentials import change_password, is_two_step, mark_two_step
from moxlite.store.auth.factors import LINK_LIFE, MAX_FACTORS, FactorRefused, SecurityKey, checked_name
from moxlite.store.errors import LimitExceeded, StorageBroken, StorageFull
from moxlite.store.options import Options
from tests.store_fixtures import accounts, auth, store_options
from tests.supervised import supervised

__all__ = ["accounts", "auth", "store_options"]

KEY = SecurityKey(0, "blue", "mail.example.org", b"credential", b"cose", 5, ("usb", "nfc"), 0, 0)


def step() -> int:
    return int(time.time() // PERIOD)


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("auth.db*"))


async def test_the_first_factor_brings_ten_recovery_codes(auth: AuthDB) -> None:
    """WEB-151, STORE-109: only the first; a code serves once; the last factor takes them away."""
    assert not await auth.factors.has("mia")
    codes = await auth.factors.add_totp("mia", "phone", new_secret(), 0)
    assert len(set(codes)) == 10
    assert all(len(code) == 19 for code in codes)
    assert await auth.factors.add_key("mia", KEY) == []
    assert await auth.factors.has("mia")
    assert not await auth.factors.has("tom")
    assert await auth.factors.take_recovery_code("mia", f" {codes[3].upper().replace('-', ' ')}\n")
    assert not await auth.factors.take_recovery_code("mia", codes[3])
    assert not await auth.factors.take_recovery_code("tom", codes[4])
    found = await auth.factors.of("mia")
    assert (found.apps[0].name, found.keys[0].name, found.keys[0].transports, found.codes) == (
        "phone",
        "blue",
        ("usb", "nfc"),
        9,
    )
    new = await auth.factors.new_recovery_codes("mia")
    assert not await auth.factors.take_recovery_code("mia", codes[5])
    assert await auth.factors.remove("mia", "totp", found.apps[0].id) == "phone"
    assert await auth.factors.remove("mia", "totp", found.apps[0].id) is None
    assert await auth.factors.remove("tom", "key", found.keys[0].id) is None
    assert await auth.factors.remove("mia", "key", found.keys[0].id) == "blue"
    assert (await auth.factors.of("mia")).codes == 0
    assert not await auth.factors.take_recovery_code("mia", new[0])


async def test_neither_file_nor_text_forms_show_a_recovery_code(auth: AuthDB, tmp_path: Path) -> None:
    """STORE-109"""
    codes = await auth.factors.add_totp("mia", "phone", new_secret(), 0)
    octets = stored(tmp_path)
    for code in codes:
        assert code.encode() not in octets
        assert code.replace("-", "").encode() not in octets


async def test_a_code_serves_one_of_fifty_parallel_log_ins(auth: AuthDB) -> None:
    """WEB-151: and the code of another app of the same account is not touched by that."""
    one, two = new_secret(), new_secret()
    await auth.factors.add_totp("mia", "phone", one, 0)
    await auth.factors.add_totp("mia", "tablet", two, 0)
    results: list[str | None] = []
    code = hotp(one, step())

    async def log_in() -> None:
        results.append(await auth.factors.take_totp("mia", code))

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(log_in)
    assert sorted(filter(None, results)) == ["phone"]
    assert await auth.factors.take_totp("mia", hotp(two, step())) == "tablet"


async def test_a_code_is_refused_again_after_a_restart(tmp_path: Path) -> None:
    """WEB-151"""
    secret = new_secret()
    for expected in ("phone", None):
        auth = await AuthDB.open(tmp_path / "auth.db", Options(min_free_space=0), create=True)
        async with trio.open_nursery() as nursery:
            await nursery.start(supervised, auth)
            if expected:
                await auth.factors.add_totp("mia", "phone", secret, 0)
                now = step()
            assert await auth.factors.take_totp("mia", hotp(secret, now)) == expected
            nursery.cancel_scope.cancel()
        await auth.aclose()


async def test_a_code_serves_once_while_the_disk_is_full(auth: AuthDB, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-105a, STORE-109: also when the disk has room again; a recovery code waits for that."""
    secret = new_secret()
    codes = await auth.factors.add_totp("mia", "phone", secret, 0)
    await auth.factors.add_key("mia", KEY)
    key = (await auth.factors.of("mia")).keys[0]
    now = step()
    with monkeypatch.context() as context:

        async def full(unit: object) -> None:
            raise StorageFull("no space left")

        context.setattr(auth.database, "write", full)
        assert await auth.factors.take_totp("mia", hotp(secret, now)) == "phone"
        assert await auth.factors.take_totp("mia", hotp(secret, now)) is None
        assert await auth.factors.take_key("mia", key, 6)
        with pytest.raises(StorageFull):
            await auth.factors.take_recovery_code("mia", codes[0])
    assert await auth.factors.take_totp("mia", hotp(secret, now)) is None
    assert await auth.factors.take_recovery_code("mia", codes[0])


async def test_an_assertion_counts_once_in_parallel_log_ins(auth: AuthDB) -> None:
    """WEB-151: the counter of the key must not have changed since it was read."""
    await auth.factors.add_key("mia", KEY)
    key = (await auth.factors.of("mia")).keys[0]
    assert await auth.factors.take_key("mia", key, 6)
    assert not await auth.factors.take_key("mia", key, 6)
    assert not await auth.factors.take_key("tom", key, 7)
    assert (await auth.factors.of("mia")).keys[0].sign_count == 6


async def test_names_and_numbers_of_factors_have_limits(auth: AuthDB) -> None:
    """WEB-151"""
    await auth.factors.add_totp("mia", "phone", new_secret(), 0)
    with pytest.raises(FactorRefused, match="a device named 'phone' already exists"):
        await auth.factors.add_totp("mia", "phone", new_secret(), 0)
    await auth.factors.add_key("mia", KEY)
    with pytest.raises(FactorRefused, match="already set up"):
        await auth.factors.add_key("tom", KEY)
    for number in range(MAX_FACTORS - 1):
        await auth.factors.add_totp("mia", f"app {number}", new_secret(), 0)
    with pytest.raises(LimitExceeded, match="10 authenticator apps"):
        await auth.factors.add_totp("mia", "one more", new_secret(), 0)
    assert checked_name("  Mia's Ze\u0301phyr ") == "Mia's Zéphyr"
    for name in ("", "  ", "x" * 65, "a\nb", "\u202ex"):
        with pytest.raises(FactorRefused):
            checked_name(name)


async def test_a_recovery_link_serves_once_and_for_an_hour(auth: AuthDB, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-151a: a new one takes the place of the old one."""
    old = await auth.factors.new_link("mia", reset_factors=False)
    token = await auth.factors.new_link("mia", reset_factors=True)
    assert await auth.factors.find_link(old) is None
    found = await auth.factors.find_link(token)
    assert found is not None
    assert (found.account, found.reset_factors) == ("mia", True)
    taken = []

    async def take() -> None:
        taken.append(await auth.factors.take_link(token))

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(take)
    assert len([one for one in taken if one]) == 1
    late = await auth.factors.new_link("mia", reset_factors=True)
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + LINK_LIFE * 1000)
    assert await auth.factors.find_link(late) is None
    assert await auth.factors.take_link(late) is None


async def test_removal_of_an_account_takes_its_factors(auth: AuthDB) -> None:
    """STORE-140, STORE-109"""
    await auth.factors.add_totp("mia", "phone", new_secret(), 0)
    await auth.factors.add_key("mia", KEY)
    token = await auth.factors.new_link("mia", reset_factors=True)
    await auth.begin_removal("mia")
    assert (await auth.factors.of("mia")).codes == 0
    assert not await auth.factors.has("mia")
    assert await auth.factors.find_link(token) is None


async def test_factors_of_a_broken_file_are_unknown() -> None:
    """STORE-109: they are not taken for missing."""
    auth = AuthDB(StorageBroken("damaged"))
    with pytest.raises(StorageBroken):
        await auth.factors.has("mia")
    with pytest.raises(StorageBroken):
        await auth.factors.take_totp("mia", "000000")


async def test_a_new_password_leaves_the_mark_of_two_step_log_in(accounts: Accounts) -> None:
    """STORE-191a"""
    async with accounts.use("mia") as account:
        await change_password(account, "correct horse")
        assert not (await account.read(passwords, op="test")).two_step
        await account.write(lambda tx: mark_two_step(tx, True))
        await account.write(lambda tx: mark_two_step(tx, True))
        await change_password(account, "other horse")
        assert (await account.read(passwords, op="test")).two_step
        await account.write(lambda tx: mark_two_step(tx, False))
        assert not await account.read(is_two_step, op="test")
