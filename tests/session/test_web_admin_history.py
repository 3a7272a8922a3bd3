"""The admin app's calls behind the plots, each once right and once wrong, with the figures of a played month."""

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import pytest

from moxlite.store.auth.loginattempts import record
from moxlite.store.file.transaction import Tx
from moxlite.store.options import DAY
from moxlite.store.reports.history import QueueSample, add_sample
from tests.playedmonth import attempts, month, put_history
from tests.web_rig import Browser, Rig

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/")]


async def test_series_of_days_are_those_of_the_month(rig: Rig, browser: Browser) -> None:
    """ADMIN-78, WEB-86b, WEB-86c: each day and kind, and a day's reasons behind its bar."""
    await rig.house.files.reports.database.write(put_history)
    found = await browser.call("history", days=30)
    today = found["today"]
    expected: Counter[tuple[str, int]] = Counter()
    for (kind, day, _), number in month(today).items():
        expected[kind, day] += number
    for one in found["series"]:
        assert one["numbers"] == [expected[one["kind"], day] for day in range(today - 29, today + 1)], one["kind"]
    assert len((await browser.call("history", days=400))["series"][0]["numbers"]) == 400
    words = {"filed": ["junk-content-unsure"], "filtered": ["junk-content", "junk-content-strict"]}
    for name, reasons in words.items():
        days = range(today - 29, today + 1)
        assert found[name] == sum(month(today).get(("junk", day, one), 0) for day in days for one in reasons)
    sums = {one["kind"]: one["sums"] for one in await browser.call("history_day", day=today - 12)}
    refused = month(today)["refused", today - 12, "unknown-user"]
    assert sums["refused"][0] == {"about": "unknown-user", "number": refused}
    assert {one["about"] for one in sums["login-failed"]} == {"203.0.113.0/26", "2001:db8:7::/48", "198.51.100.64/26"}
    assert await browser.call("history_day", day=3) == []
    assert await browser.error("history", days=401) == (400, "user:error")
    assert await browser.error("history_day", day=-1) == (400, "user:error")


async def test_failed_logins_by_network_and_one_by_one(rig: Rig, browser: Browser) -> None:
    """WEB-86c: sums of the month, and the attempts behind a network."""
    await rig.house.files.reports.database.write(put_history)
    await rig.auth.database.write(lambda tx: record(tx, attempts()))
    found = await browser.call("login_failures", days=30)
    today = (await browser.call("history", days=1))["today"]
    expected: Counter[str] = Counter()
    for (kind, _, about), number in month(today).items():
        if kind == "login-failed":
            expected[about] += number
    assert {one["about"]: one["number"] for one in found["networks"]} == expected
    assert (found["others"], found["rest"]) == (0, 0)
    listed = await browser.call("attempts_from", network="203.0.113.0/26")
    assert len(listed) == 12
    assert {one["result"] for one in listed} == {"baduser", "badpassword"}
    assert await browser.call("attempts_from", network="192.0.2.0/26") == []
    assert await browser.error("attempts_from", network="everywhere") == (400, "user:error")
    assert await browser.error("login_failures", days=0) == (400, "user:error")


async def test_long_work_for_the_admin_app_leaves_the_loop(
    rig: Rig, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-86c, WEB-160, WEB-151: 20,000 attempts, 10,000 entries of the audit log, a QR code."""
    await rig.auth.database.write(lambda tx: record(tx, attempts()))
    threads: dict[str, int] = {}
    for place in (
        "moxlite.store.auth.loginattempts.RecordedAttempt",
        "moxlite.web.admin.calls.overview.ip_address",
        "moxlite.store.auth.audit.AuditEntry",
        "moxlite.web.admin.calls.access.line_of",
        "moxlite.web.admin.calls.machine._row",
        "segno.make",
    ):
        module, _, name = place.rpartition(".")
        monkeypatch.setattr(place, partial(_noted, threads, name, getattr(import_module(module), name)))
    assert await browser.call("attempts_from", network="203.0.113.0/26")
    await browser.call("config_address_add", account="tom", address="sales@example.org")
    assert await browser.call("audit_export", filter={}, form="json")
    assert await browser.call("metrics")
    assert (await browser.call("totp_begin", name="phone"))["qr"]["size"] > 8
    assert len(threads) == 6
    assert threading.get_ident() not in threads.values()


def _noted(threads: dict[str, int], name: str, work: Callable[..., Any], *args: Any, **named: Any) -> Any:
    threads[name] = threading.get_ident()
    return work(*args, **named)


async def test_samples_of_the_queue_of_a_week(rig: Rig, browser: Browser) -> None:
    """WEB-86c."""
    before = await browser.call("queue_history")
    assert [one["messages"] for one in before] in ([], [0])  # the server's own first sample

    def fill(tx: Tx) -> None:
        for ago in (9, 6, 1):
            add_sample(tx, QueueSample(tx.now - ago * DAY, ago, 0, ago))

    await rig.house.files.reports.database.write(fill)
    found = await browser.call("queue_history")
    assert [one["messages"] for one in found if one["messages"]] == [6, 1]
    assert await browser.error("queue_history", days=8) == (400, "user:error")


async def test_disk_is_the_size_of_each_accounts_files(rig: Rig, browser: Browser) -> None:
    """WEB-86c: as `du` counts them."""
    async with rig.account("tom"):
        pass
    found = await browser.call("disk_use")
    sizes = {one["name"]: one["octets"] for one in found["accounts"]}
    folder = rig.accounts.path("mia")
    files = [path.stat() for path in folder.iterdir() if path.is_file()]
    assert abs(sizes["mia"] - sum(one.st_blocks * 512 for one in files)) <= 1 << 20  # its log may grow meanwhile
    assert (set(sizes), found["others"], found["rest"]) == ({"mia", "tom"}, 0, 0)
    assert [one["octets"] for one in found["accounts"]] == sorted(sizes.values(), reverse=True)
    assert await browser.error("disk_use", nonsense=1) == (400, "user:error")
