"""What the running server keeps in memory by the name of an account, when the account is removed (STORE-140)."""

import base64
import gc
import ipaddress
import re
from collections.abc import Iterator, Mapping, Set as AbstractSet
from typing import Any, Final

import pytest
import trio
import trio.testing

from moxlite.logins.identity import LoginRequest, WrongCredentials
from moxlite.operations.access import SetPassword
from moxlite.operations.accounts import AddAccount, RemoveAccount
from moxlite.store.auth.apppasswords import add_app_password
from tests.authenticator import SoftKey
from tests.jmap_rig import JMAP
from tests.loginprovider import PROVIDER, House
from tests.session.test_web_factors import add_key
from tests.session.test_web_ways_in import DOORS, HOST, by_app_password, by_session, owner, receive, world
from tests.web_rig import ADDRESS, PASSWORD, STATIC, Browser, Rig

__all__ = ["owner", "world"]

TOMS = (STATIC + JMAP + DOORS + PROVIDER).replace('postmaster = { account = "mia"', 'postmaster = { account = "tom"')
DEMANDING = TOMS.replace("data_dir", "require_app_passwords = true\ndata_dir")
pytestmark = pytest.mark.served

HOME, AWAY = ipaddress.ip_address("198.51.100.9"), ipaddress.ip_address("192.0.2.77")
REQUEST = LoginRequest(protocol="imap", remote=AWAY, local=ipaddress.ip_address("192.0.2.1"))

STAYS: Final[Mapping[str, str]] = {
    "config.domains.Domains.accounts": "earlier configurations, which a change under way compares",
    "config.snapshot.Derived.by_address": "likewise",
    "logins.guessing._Counts.counts": "failures within the limits' windows, which only refuse",
    "migration.links.Links._edits": "a lock",
    "migration.links.Links._turns": "a lock",
    "net.limits.LoginsElsewhere._counts": "logins of an hour, which only refuse",
    "processor._Processor._usages": "processor time that tasks under way have used",
    "store.accounts.rounds.ChangedAccounts._changes": "changed rows; more of them only have it visited sooner",
    "store.auth.maskedindex.MaskedIndex._locks": "a lock",
    "store.changelog.account.RecentComparisons._at": "with the number of the file, which a later account hasn't",
    "web.jmap.app.JMAP._requests": "a limit of requests at once",
    "web.notices.service.Subscribers._names": "only has the account looked at",
    "web.notices.service.Subscribers._owners": "accounts to look at, with the rights of then",
}
"""Attributes of the server's objects that may keep the name, with the reasons."""


async def renew(rig: Rig) -> None:
    """Remove mia's account, and make another one of that name."""
    async with rig.running.ctl() as ctl:
        await ctl.call("config account rm", RemoveAccount("mia"), type(None))
        await ctl.call("config account add", AddAccount("mia", ADDRESS), type(None))
        await ctl.call("account set-password", SetPassword("mia", PASSWORD), type(None))


async def subjects(rig: Rig, account: str) -> list[str]:
    async with rig.account(account) as opened:
        found = await opened.read(lambda r: r.rows("SELECT subject_base FROM message"), op="test")
    return [subject for (subject,) in found]


@pytest.mark.rig(app="/", static=DEMANDING)
async def test_a_later_account_gets_no_mail_about_logins_to_the_former_one(
    rig: Rig, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SMTP-57a, STORE-140: the mail about a stranger with the password waits when the account goes. Nor does a network
    that the former owner has logged in from count as known.
    """
    monkeypatch.setattr("moxlite.admin.factors.PAUSE_SECONDS", (1e9, 1e9))
    logins, known = rig.house.services.logins, rig.house.services.known_passwords
    for account in ("mia", "tom"):
        logins.attempts.counts.remember(HOME, account)
    async with rig.running.ctl() as ctl:
        await ctl.call("account set-password", SetPassword("tom", PASSWORD), type(None))

    async def attempt(address: str) -> None:
        with pytest.raises(WrongCredentials):
            await logins.password(REQUEST, address, PASSWORD, mechanism="plain")

    await attempt("tom@example.org")
    await attempt(ADDRESS)
    await trio.testing.wait_all_tasks_blocked()
    await renew(rig)
    assert not logins.attempts.counts.knows(HOME, "mia")
    assert logins.attempts.counts.knows(HOME, "tom")
    monkeypatch.setattr("moxlite.admin.factors.PAUSE_SECONDS", (0.0, 0.0))
    nursery.start_soon(known.serve)
    await attempt("tom@example.org")
    with trio.fail_after(60):
        while not await subjects(rig, "tom"):  # noqa: ASYNC110 - the latest waiting mail is stored first, Tom's last
            await trio.sleep(0.01)
    assert await subjects(rig, "mia") == []


async def calendars(rig: Rig, password: str) -> list[str]:
    """The names in mia's calendars that a calendar program sees."""
    plain = base64.b64encode(f"{ADDRESS}:{password}".encode()).decode()
    headers = {"authorization": f"Basic {plain}", "depth": "1"}
    answer = await rig.browser(port=443, tls=True).fetch("/dav/calendars/mia/", method="PROPFIND", headers=headers)
    assert answer.status == 207
    return re.findall(r"<(?:\w+:)?href>/dav/calendars/mia/([^<]+)/<", answer.body.decode())


@pytest.mark.rig(app="/", static=TOMS)
async def test_a_later_account_gets_its_first_calendar(rig: Rig) -> None:
    """STORE-140: also on a day on which a calendar program has used the former one."""
    async with rig.running.ctl() as ctl:
        await ctl.call("account set-password", SetPassword("mia", PASSWORD), type(None))
    before = await calendars(rig, PASSWORD)
    assert before
    await renew(rig)
    assert await calendars(rig, PASSWORD) == before


def named(value: object, name: str) -> bool:
    """Whether a container has a key or member of this name, also within a tuple."""
    if isinstance(value, (Mapping, AbstractSet, list, tuple)):
        return any(one == name or (isinstance(one, tuple) and name in one) for one in list(value))
    return False


def attributes(thing: object) -> Iterator[tuple[str, Any]]:
    slots = [slot for kind in type(thing).__mro__ for slot in getattr(kind, "__slots__", ())]
    for attribute in {*slots, *getattr(thing, "__dict__", ())}:
        yield attribute, getattr(thing, attribute, None)


def keepers(name: str) -> set[str]:
    """The attributes of the server's objects that have a container with the name."""
    gc.collect()
    return {
        f"{type(thing).__module__.removeprefix('moxlite.')}.{type(thing).__qualname__}.{attribute}"
        for thing in gc.get_objects()
        if type(thing).__module__.startswith("moxlite.")
        for attribute, value in attributes(thing)
        if named(value, name)
    }


@pytest.mark.rig(app="/", static=TOMS)
async def test_no_object_keeps_the_name_of_a_removed_account(
    rig: Rig, owner: Browser, world: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-140, ADMIN-15: after all that a login and an app password set up. If this fails for a new attribute, drop
    the account there when it is removed (`Components.forgetters`), or say in `STAYS` why the name may stay.
    """
    monkeypatch.setattr("moxlite.admin.factors.PAUSE_SECONDS", (1e9, 1e9))
    async with rig.account() as account:
        stolen = await add_app_password(account, "old phone", ["imap", "jmap", "sharing", "sieve", "dav"])
    codes = await add_key(owner, SoftKey(f"https://{HOST}"))
    await by_app_password(rig, stolen, world)
    await by_session(rig, codes, world)
    await receive(rig)
    assert await calendars(rig, stolen) == ["calendar"]
    known = rig.house.services.known_passwords
    recipient = rig.house.services.logins.login(ADDRESS)
    assert recipient is not None
    known.given(recipient, REQUEST)
    assert {"logins.guessing.FailedLogins._places", "admin.factors.KnownPasswords._waiting"} <= keepers("mia")
    async with rig.running.ctl() as ctl:
        await ctl.call("config account rm", RemoveAccount("mia"), type(None))
    assert keepers("mia") <= STAYS.keys()
