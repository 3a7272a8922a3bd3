"""A domain that moves here: where MX leads, the setting of its peer, and the doctor's reminder (ADMIN-86)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from moxlite.admin.commandedits import change_file
from moxlite.admin.delivery.moving import PeerCommands, mail_elsewhere, remove_peer
from moxlite.admin.delivery.peers import DAYS, Peers
from moxlite.admin.doctor.sources import peer
from moxlite.config.load import ConfigError, load
from moxlite.metrics import DAY_SECONDS, daily
from moxlite.net.control.server import CommandFailed
from moxlite.net.resolver import MX, FakeResolver
from moxlite.operations import domains as operations
from moxlite.proto.address import Domain
from moxlite.store.reports.history import add_counts
from moxlite.store.reports.reportsdb import ReportsDB
from tests.session.smtpd_harness import STATIC, Smtp, clock, serving
from tests.supervised import supervised

pytestmark = pytest.mark.served

__all__ = ["clock"]

PUBLIC = STATIC.replace('ips = ["127.0.0.1"]', 'ips = ["127.0.0.1"]\nnat_ips = ["192.0.2.25"]')
OURS = Domain.parse("ours.example")


def zones(*mx: tuple[int, str], **addresses: str) -> FakeResolver:
    named = {name.replace("_", "."): [ip] for name, ip in addresses.items()}
    return FakeResolver({"MX": {"ours.example": [MX(*one) for one in mx]}, "A": named})


@asynccontextmanager
async def commands(folder: Path, resolver: FakeResolver) -> AsyncIterator[tuple[Smtp, PeerCommands, ReportsDB]]:
    async with serving(folder, static=PUBLIC) as smtp:
        reports = await ReportsDB.open(folder / "reports.db", smtp.context.accounts.options)
        try:
            await smtp.nursery.start(supervised, reports)
            config = smtp.context.config
            yield smtp, PeerCommands(config, Peers(config, resolver), resolver, reports), reports
        finally:
            await reports.aclose()


def peer_of(smtp: Smtp) -> list[str]:
    return [*smtp.context.config.current.domains.domains["ours.example"].peer]


async def test_where_mx_leads_elsewhere(tmp_path: Path) -> None:
    """ADMIN-86: by preference; our own hosts and those without an address are left out; hosts whose names will lead
    here are given by their addresses. Without an answer the list is empty.
    """
    (tmp_path / "moxlite.toml").write_text(PUBLIC)
    (tmp_path / "domains.toml").write_text('[domains."ours.example"]\n[accounts.mia]\ndomain = "ours.example"\n')
    snapshot, _ = load(tmp_path / "moxlite.toml")

    async def found(resolver: FakeResolver) -> list[str]:
        return await mail_elsewhere(snapshot, OURS, resolver)

    several = zones(
        (20, "mx2.old.example."), (10, "mx1.old.example."), (5, "mail.ours.example."), (30, "gone.example."),
        mx1_old_example="203.0.113.1", mx2_old_example="203.0.113.2", mail_ours_example="192.0.2.25",
    )  # fmt: skip
    assert await found(several) == ["mx1.old.example", "mx2.old.example"]
    assert await found(zones((5, "mail.ours.example."), mail_ours_example="203.0.113.9")) == ["203.0.113.9"]
    assert await found(zones((5, "mx.ours.example."), mx_ours_example="203.0.113.9")) == ["203.0.113.9"]
    assert await found(zones((5, "here.example."), here_example="127.0.0.1")) == []
    assert await found(zones((0, "."))) == []
    assert await found(zones()) == []
    assert await found(FakeResolver(failing=["ours.example"])) == []


async def test_the_peer_of_a_domain_is_set_shown_and_removed(tmp_path: Path) -> None:
    """ADMIN-86: with the hosts of MX, or with those given; a host that is this server, or none, is refused."""
    resolver = zones((10, "mx.old.example."))
    async with commands(tmp_path, resolver) as (smtp, made, reports):
        with pytest.raises(CommandFailed, match=r"the MX records for ours\.example don't point to another server"):
            await made.set(operations.SetPeer("ours.example"))
        with pytest.raises(CommandFailed, match="this server's own name"):
            await made.set(operations.SetPeer("ours.example", ("mail.ours.example",)))
        with pytest.raises(CommandFailed, match="isn't a valid domain"):
            await made.set(operations.SetPeer("ours.example", ("no host",)))
        with pytest.raises(CommandFailed, match=r"other\.example"):
            await made.show(operations.ShowPeer("other.example"))
        found = await made.set(operations.SetPeer("ours.example", ("MX.old.example.", "192.0.2.25", "mx.old.example")))
        assert peer_of(smtp) == ["mx.old.example", "192.0.2.25"]
        assert ([one.host for one in found.hosts], found.messages) == (["mx.old.example", "192.0.2.25"], 0)
        assert found.hosts[0].problem.startswith("address lookup failed")
        counts = daily.take()
        await reports.database.write(lambda tx: add_counts(tx, counts))
        daily.count("passed-on", "ours.example", 3)
        await reports.database.write(lambda tx: add_counts(tx, daily.take()))
        assert (await made.show(operations.ShowPeer("ours.example"))).messages == 3
        await change_file(smtp.context.config, remove_peer, "ours.example")
        assert peer_of(smtp) == []
        assert (await made.show(operations.ShowPeer("ours.example"))).hosts == []
        with pytest.raises(CommandFailed, match="have a previous server"):
            await change_file(smtp.context.config, remove_peer, "ours.example")


@pytest.mark.parametrize("line", ['peer = ["no host"]', 'peer = ["mail.ours.example"]', f"peer = {['192.0.2.1'] * 6}"])
def test_a_peer_that_cannot_be_is_a_mistake_of_the_file(line: str, tmp_path: Path) -> None:
    """ADMIN-86, SMTP-186: a text that is no host, a name of this server, more than five."""
    (tmp_path / "moxlite.toml").write_text(STATIC)
    text = f'[domains."ours.example"]\n{line}\n[accounts.mia]\ndomain = "ours.example"\n'
    (tmp_path / "domains.toml").write_text(text.replace("'", '"'))
    with pytest.raises(ConfigError, match="peer"):
        load(tmp_path / "moxlite.toml")


def test_doctor_reminds_of_a_peer_that_is_needed_no_more() -> None:
    """ADMIN-86: a note while one is set; a warning after two weeks without a message, with the command that ends it."""
    assert DAYS * DAY_SECONDS == 14 * 86400
    note = peer("ours.example", ["mx.old.example"], 12, idle=False)
    assert (note.grade, note.about) == ("note", "ours.example")
    assert "12" in note.words
    warning = peer("ours.example", ["mx.old.example"], 0, idle=True)
    assert warning.grade == "warning"
    assert "but there haven't been any messages for 14 days, so you can turn this off" in warning.words
    assert warning.commands[-1] == "moxlite config domain peer rm ours.example"
