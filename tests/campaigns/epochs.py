"""Clients over restores: six clients whose states are newer than what the server comes back with.

A server runs, its account changes, and six clients follow by their protocols. Then it is stopped, and something becomes
of the account's file: an older copy of it is restored, is what a second machine took over, is salvaged, or is imported
as a whole account; or the account is removed and made again. The account changes again, so that modseqs go on, and
after the clients have followed each knows what a new client reads. Where nothing of the account was lost, after a
restart or a take-over that has all, no client reads anything again (STORE-145b).
"""

import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Final

import apsw
import trio

from moxlite.admin.storage.checks import create_account_file
from moxlite.config.holder import ConfigHolder
from moxlite.net.tls.certificates import self_signed
from moxlite.store.backup.copying import back_up
from moxlite.store.backup.layout import Source
from moxlite.store.backup.restore import export_account, restore, unpack_account
from moxlite.store.options import Options
from moxlite.store.recover.rebuild import recover
from tests.campaigns._sixclients import Follower, six
from tests.campaigns.report import Finding, Report
from tests.house import house
from tests.jmap_rig import Client, Object
from tests.tools import limits_stand_still
from tests.web_rig import DOMAINS, PASSWORD, Rig

__all__ = ["EVENTS", "World", "run"]

ROUNDS: Final = 480
SHORTEST: Final = 2
"""Rounds, however small the share."""

STATIC: Final = """
hostname = "mail.example.org"
data_dir = "../data"
postmaster = { account = "mia", mailbox = "Postmaster" }
store = { check_on_close = true, min_free_space = 0 }
rate_limits.exempt = ["127.0.0.0/8"]

[listeners.local]
ips = ["127.0.0.1"]
tls.key_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]
imap = { enabled = true, port = 143, require_tls = false }
webmail_http = { enabled = true, port = 80 }
dav_https = { enabled = true, port = 443 }
jmap_http = { enabled = true, port = 83 }
"""
OPTIONS: Final = Options(min_free_space=0)
MOST: Final = 40
"""Emails, events and cards that the account has, about."""


class World:
    """The folder of a server, its account, and the clients."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder, self.chance = folder, chance
        self.data, self.copies = folder / "data", folder / "copies"
        self.clients = six()
        pair, config = self_signed(["mail.example.org"]), folder / "config"
        config.mkdir()
        (config / "cert.pem").write_bytes(pair.certificate_pem())
        (config / "key.pem").write_bytes(pair.key_pem())
        self.number = 0
        self.passwords = {"mia": PASSWORD}

    @property
    def account(self) -> Path:
        """The folder of the account."""
        return self.data / "accounts/mia"

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Rig]:
        """The server, until the end of the block."""
        passwords, self.passwords = self.passwords, {}
        with limits_stand_still():
            async with house(self.folder, static=STATIC, domains=DOMAINS, passwords=passwords) as running:
                yield Rig(running)

    def as_before_epochs(self) -> None:
        """Make the file one of an account from the time before there were epochs."""
        with closing(apsw.Connection(str(self.account / "account.db"))) as db:
            db.execute("UPDATE state SET file_id = randomblob(16)").fetchall()

    async def back_up(self) -> None:
        """Copy everything, and export the account."""
        if self.copies.exists():
            shutil.rmtree(self.copies)
        self.copies.mkdir()
        source = Source(self.data, self.folder / "config", frozenset(["mia", "tom"]))
        report = await trio.to_thread.run_sync(back_up, source, self.copies / "backup")
        if report.errors:
            raise Finding(f"the backup failed: {report.errors}")
        whole = self.copies / "mia.moxlite"
        await trio.to_thread.run_sync(export_account, self.account / "account.db", "mia", whole)

    async def change(self, rig: Rig, count: int) -> None:
        """Some changes of each kind: new ones, changed ones, removed ones."""
        client = Client(rig)
        for _ in range(count):
            self.number += 1
            for kind, made, patch in (
                ("Email", None, {f"keywords/{self.chance.choice(('$seen', '$flagged', 'plan'))}": True}),
                ("CalendarEvent", self._event(), {"title": f"changed {self.number}"}),
                ("ContactCard", self._card(), {"name/full": f"changed {self.number}"}),
            ):
                await self._change(client, kind, made, patch)

    async def _change(self, client: Client, kind: str, made: Object | None, patch: Object) -> None:
        ids = (await client.call(f"{kind}/query"))["ids"]
        step = self.chance.random()
        if not ids or (step < 0.5 and len(ids) < MOST):
            if made is None:
                await client.imported(
                    f"Subject: mail {self.number}\r\nMessage-ID: <{self.chance.random()}@x>\r\n\r\nx\r\n".encode()
                )
                return
            arguments: Object = {"create": {"a": made}}
        elif step < 0.75:
            arguments = {"update": {self.chance.choice(ids): patch}}
        else:
            arguments = {"destroy": [self.chance.choice(ids)]}
        found = await client.call(f"{kind}/set", **arguments)
        if any(found[name] for name in ("notCreated", "notUpdated", "notDestroyed")):
            raise Finding(f"{kind}/set {arguments}: {found}")

    def _event(self) -> Object:
        return {
            "title": f"event {self.number}",
            "start": f"2026-11-{self.number % 28 + 1:02}T12:00:00",
            "duration": "PT1H",
        }

    def _card(self) -> Object:
        return {"name": {"full": f"card {self.number}"}}

    async def follow(self, rig: Rig, *, calm: bool = False) -> None:
        """Have the clients follow, and compare each with a new one. `calm`: none may read anything again. Raises
        Finding.
        """
        for client in self.clients:
            before = client.whole, client.fetched
            await client.follow(rig)
            if calm and (client.whole, client.fetched) != before:
                raise Finding(f"{client.name} read what it knew: {before} became {(client.whole, client.fetched)}")
        for client in self.clients:
            await _compare(client, rig)


async def _compare(client: Follower, rig: Rig) -> None:
    new = client.anew()
    await new.follow(rig)
    if client.known != new.known:
        raise Finding(f"{client.name} knows {client.known}, and there is {new.known}")


def _restored(world: World, backup: Path, *, keep_uids: bool) -> None:
    shutil.rmtree(world.data)
    restore(backup, world.data, OPTIONS, resume_queue=True, keep_uids=keep_uids)


def _salvaged(world: World) -> None:
    """All that is left is an older copy of the account's file."""
    out = world.copies / "out"
    recover("mia", world.copies / "backup/data/accounts/mia/account.db", out)
    shutil.rmtree(world.account)
    shutil.move(out / "accounts/mia", world.account)


def _imported(world: World) -> None:
    shutil.rmtree(world.account)
    unpack_account(world.copies / "mia.moxlite", world.account, OPTIONS)


def _made_again(world: World) -> None:
    (world.account / "account.db").unlink()
    holder, _ = ConfigHolder.open(world.folder / "config/moxlite.toml")
    create_account_file(holder.current, "mia")
    world.passwords = {"mia": PASSWORD}


def _taken_over(world: World) -> None:
    """A second machine has all of it, also what came last."""
    source = Source(world.data, world.folder / "config", frozenset(["mia", "tom"]))
    back_up(source, world.copies / "last")
    _restored(world, world.copies / "last", keep_uids=True)


EVENTS: Final[Mapping[str, tuple[Callable[[World], None], bool]]] = {
    "restored": (lambda world: _restored(world, world.copies / "backup", keep_uids=False), True),
    "salvaged": (_salvaged, True),
    "imported": (_imported, True),
    "made again": (_made_again, True),
    "taken over": (_taken_over, False),
    "restarted": (lambda _: None, False),
}
"""What becomes of an account while the server is stopped, and whether its modseqs are others then."""


async def play(world: World, event: str, *, old: bool = False) -> None:
    """One round. `old`: the account was made before there were epochs. Raises Finding."""
    becomes, anew = EVENTS[event]
    async with world.served() as rig:
        await world.change(rig, 3)
    if old:
        world.as_before_epochs()
    async with world.served() as rig:
        await world.change(rig, world.chance.randint(0, 2))
        await world.follow(rig)
        await world.back_up()
        await world.change(rig, world.chance.randint(1, 8))
        await world.follow(rig)
    before = [client.whole for client in world.clients]
    await trio.to_thread.run_sync(becomes, world)
    async with world.served() as rig:
        if anew:
            await world.change(rig, world.chance.randint(0, 8))
        await world.follow(rig, calm=not anew)
        await world.change(rig, 2)
        await world.follow(rig)
    read = {client.name: client.whole - was for client, was in zip(world.clients, before, strict=True)}
    if anew != all(read.values()):
        raise Finding(f"{event}: read anew: {read}")


async def _campaign(folder: Path, seed: int, rounds: int) -> dict[str, int]:
    chance = random.Random(seed)
    world = World(folder, chance)
    counts = dict.fromkeys(EVENTS, 0)
    for number in range(rounds):
        event = [*EVENTS][number % len(EVENTS)] if number < len(EVENTS) else chance.choice([*EVENTS])
        try:
            await play(world, event, old=chance.random() < 0.2)
        except (Finding, AssertionError, ExceptionGroup) as error:
            raise Finding(f"round {number}, {event}: {error}") from error
        counts[event] += 1
    return counts


def run(seed: int, share: float, report: Report) -> None:
    """ROUNDS × share rounds. Raises Finding."""
    rounds = max(SHORTEST, round(ROUNDS * share))
    with tempfile.TemporaryDirectory(prefix="moxlite-epochs-") as folder:
        counts = trio.run(partial(_campaign, Path(folder), seed, rounds))
    told = ", ".join(f"{count} {event}" for event, count in counts.items() if count)
    report.tell(f"{rounds} rounds of six clients with newer states, the account: {told}")
