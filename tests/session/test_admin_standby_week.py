"""Weeks of changes in fast motion: the target keeps what it should, and not more (STORE-186, STORE-186d)."""

import datetime as dt
import time
from pathlib import Path
from typing import Any, Final

import pytest
import trio

from moxlite.admin.standby import litestream, replicating
from moxlite.admin.standby.litestream import write_configuration
from moxlite.admin.standby.moments import restored_at
from moxlite.admin.standby.pruning import EpochPruner, pause_of
from moxlite.store.errors import BackupError
from tests.house import house, soon
from tests.session.test_admin_standby import copied, deliver, following, identity, settings, source, subjects

__all__ = ["identity"]

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]

KEEP: Final = 24.0
"""Seconds in place of a week. Whole copies come each quarter of it in place of each day."""

WEEKS: Final = 4
LATE: Final = 12.0
"""Seconds beside it in which what is too old is removed, on a busy machine."""


def octets(folder: Path) -> int:
    """Octets of all files below a folder, of which some vanish meanwhile."""
    found = 0
    for one in folder.rglob("*"):
        try:
            found += one.stat().st_size
        except FileNotFoundError:
            continue
    return found


@pytest.mark.nightly(
    smoke="tests/session/test_admin_standby.py::test_the_second_machine_has_a_delivered_message_within_seconds"
)
async def test_weeks_of_changes_stay_within_the_retention(
    tmp_path: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186, STORE-186b, STORE-186d: with times of Litestream that are 25,000 times shorter the target does not
    grow after the first week, each moment of the last week can be restored, none before; the follower is current.
    """
    monkeypatch.setattr(litestream, "RECENT", "3s")
    monkeypatch.setattr(litestream, "LEVELS", ("1s", "2s", "4s"))

    def write(file: Path, databases: list[dict[str, Any]], *, socket: Path | None, keep: float) -> None:
        write_configuration(file, databases, socket=socket, keep=KEEP)

    monkeypatch.setattr(replicating, "write_configuration", write)
    monkeypatch.setattr(replicating, "EpochPruner", lambda data, epoch, keep: EpochPruner(data, epoch, KEEP))
    monkeypatch.setattr(replicating, "pause_of", lambda keep: pause_of(KEEP))
    sent: list[tuple[float, str]] = []
    sizes: list[int] = []
    target = tmp_path / "target/epoch-0001/accounts/mia"
    async with house(tmp_path, static=settings(tmp_path, identity)) as h, following(tmp_path, identity):
        began = time.time()
        while time.time() - began < WEEKS * KEEP:
            subject = f"message-{len(sent)}"
            await deliver(h, subject)
            sent.append((time.time(), subject))
            sizes.append(octets(target))
            await trio.sleep(0.5)
        await soon(lambda: subjects(copied(tmp_path)) >= {subject for _, subject in sent}, "the follower is current")

        def restored(at: float) -> set[str]:
            moment = dt.datetime.fromtimestamp(at, dt.UTC)
            with restored_at(
                source(tmp_path, None), moment, account="mia", beside=tmp_path, tell=print, left_out=print
            ) as found:
                return subjects(found / "data/accounts/mia/account.db")

        now = time.time()
        for age in (2.0, 0.3 * KEEP, 0.6 * KEEP, 0.9 * KEEP):
            at = now - age
            # compactions keep moments of their level: 4 s here, an hour of a week
            earliest = {subject for when, subject in sent if when < at - 4 - 2}
            latest = {subject for when, subject in sent if when < at}
            assert earliest <= restored(at) <= latest, age
        with pytest.raises(BackupError):
            restored(now - 2 * KEEP - LATE)
    week = round(len(sizes) / WEEKS)
    before, after = max(sizes[week : 2 * week]), max(sizes[-week:])
    print(len(sent), before, after, len(list(target.rglob("*.ltx"))))
    # In the fourth week the mailbox is twice as large as in the second, and so are its copies. If none were removed,
    # there would be twice as many of them, too.
    assert after < 2.5 * before
