"""Log lines, levels, rate limits of lines, metrics text, the guard."""

import io
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.lowlevel
from hypothesis import given, strategies as st

from moxlite.net import log, metrics
from moxlite.net.admission import guard
from moxlite.net.exposition import REGISTRY, exposition
from moxlite.net.tls.errors import TLSError
from tests.tools import slowness, top


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The server's log in memory; afterwards all is as before."""
    stream = io.StringIO()
    handler = log.setup(stream=stream, timestamps=False)
    yield stream
    logging.getLogger().removeHandler(handler)
    for pkg in metrics.PACKAGES:
        log.set_level(pkg, "")
    logging.getLogger("moxlite").setLevel(logging.NOTSET)


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_line_has_level_text_error_room_connection_and_fields(lines: io.StringIO) -> None:
    """ADMIN-54: in this order, quoted only where needed."""
    with log.bind_cid(0x18C3):
        logging.getLogger("moxlite.smtpd.session").warning(
            "mail refused",
            extra={"kv": {"from": "a@b", "text": 'he said "no"', "err": OSError("gone"), "none": None, "ok": True}},
        )
    logging.getLogger("moxlite.queue").warning("fine", extra={"kv": {"err": None}})
    assert lines.getvalue() == (
        'l=warn m="mail refused" err="OSError: gone" pkg=smtpd cid=18c3 from=a@b text="he said \\"no\\"" ok=true\n'
        'l=warn m="fine" pkg=queue\n'
    )


def test_values_cannot_forge_lines_and_are_cut(lines: io.StringIO) -> None:
    """ADMIN-54: control characters and invalid UTF-8 are escaped, values end at 4 KiB."""
    logger = logging.getLogger("moxlite.imapd")
    logger.info(
        "x", extra={"kv": {"a": "b\nl=info m=forged\x1b[2J", "bad": b"\xff\xfe", "empty": "", "eq": "a=b", "u": "ü"}}
    )
    assert lines.getvalue() == (
        'l=info m="x" pkg=imapd a="b\\nl=info m=forged\\x1b[2J" bad="\\xff\\xfe" empty="" eq="a=b" u="ü"\n'
    )
    lines.truncate(0)
    logger.info("long", extra={"kv": {"a": "x" * 100_000}})
    assert len(lines.getvalue()) < 4300


@given(st.one_of(st.text(), st.binary()))
def test_any_value_stays_on_its_line(value: str | bytes) -> None:
    """ADMIN-54: whatever a peer sends."""
    record = logging.makeLogRecord({"name": "moxlite.net", "msg": "text", "kv": {"v": value}})
    for formatter in (log.LogfmtFormatter(timestamps=True), log.JSONFormatter(timestamps=True)):
        line = formatter.format(record)
        assert "\n" not in line
        line.encode()
        assert "\x1b" not in line


DECEPTIVE = "\u202etxt.exe \u2066 \u200f \u061c \x9b31m \x7f \u2028"


def test_text_that_changes_its_direction_is_escaped() -> None:
    """ADMIN-54: bidi controls, too, in both formats; the JSON means the same."""
    record = logging.makeLogRecord({"name": "moxlite.net", "msg": "text", "kv": {"v": DECEPTIVE, DECEPTIVE[0]: 1}})
    plain = log.LogfmtFormatter(timestamps=False).format(record)
    as_json = log.JSONFormatter(timestamps=False).format(record)
    assert 'v="\\u202etxt.exe \\u2066 \\u200f \\u061c \\x9b31m \\x7f \\u2028"' in plain
    assert as_json.isascii()
    assert json.loads(as_json)["v"] == DECEPTIVE


def test_json_lines_carry_the_same_fields() -> None:
    """ADMIN-54: for collectors that want JSON."""
    record = logging.makeLogRecord(
        {"name": "moxlite.queue", "levelno": log.TRACE, "msg": "hi", "kv": {"n": 3, "t": b"\xff"}}
    )
    assert json.loads(log.JSONFormatter(timestamps=False).format(record)) == {
        "l": "trace",
        "m": "hi",
        "pkg": "queue",
        "n": 3,
        "t": "\\udcff",
    }


def test_traceback_follows_indented(lines: io.StringIO) -> None:
    """ADMIN-54: what begins at the margin is always a record."""
    try:
        raise ValueError("evil\nl=info forged")
    except ValueError:
        logging.getLogger("moxlite.web").exception("boom")
    first, *rest = lines.getvalue().splitlines()
    assert first.startswith('l=error m="boom" err="ValueError: evil\\nl=info forged" pkg=web')
    assert len(rest) > 2
    assert all(row.startswith("  ") for row in rest)


def test_levels_change_per_room_at_run_time(lines: io.StringIO) -> None:
    """ADMIN-55: one room at trace, the others at info; taken back later."""
    log.set_level("smtpd", "trace")
    logging.getLogger("moxlite.smtpd.session").log(log.TRACE, "line")
    logging.getLogger("moxlite.smtpd.session").log(log.TRACEAUTH, "secret")
    logging.getLogger("moxlite.imapd").log(log.TRACE, "other")
    assert [row.split()[0:2] for row in lines.getvalue().splitlines()] == [["l=trace", 'm="line"']]
    assert log.levels() == {"": "info", "smtpd": "trace"}
    log.set_level("smtpd", "")
    assert log.levels() == {"": "info"}
    with pytest.raises(ValueError, match="loud"):
        log.set_level("smtpd", "loud")
    with pytest.raises(ValueError, match=r"nosuch.*; use one of .*smtpd"):
        log.set_level("nosuch", "info")


def test_floods_of_the_same_error_are_counted_instead(lines: io.StringIO) -> None:
    """ADMIN-56: ten a second, then a count with the next line; other levels are not held back."""
    logger = logging.getLogger("moxlite.net.x")
    handler = next(h for h in logging.getLogger().handlers if isinstance(h, log.LogHandler))

    def emit(level: int, text: str, created: float) -> None:
        record = logging.makeLogRecord({"name": logger.name, "levelno": level, "msg": text})
        record.created = created
        handler.emit(record)

    for _ in range(25):
        emit(logging.ERROR, "disk gone", 100.5)
    for _ in range(25):
        emit(logging.WARNING, "warned", 100.5)
    emit(logging.INFO, "later", 101.0)
    rows = lines.getvalue().splitlines()
    assert sum("disk gone" in row and "left out" not in row for row in rows) == 10
    assert sum("warned" in row for row in rows) == 25
    assert 'm="further equal errors left out" pkg=net text="disk gone" count=15' in rows[-2]


def test_a_line_at_level_debug_costs_little(lines: io.StringIO) -> None:
    """ADMIN-85: a thousand lines cost a tenth of a second of processor time at most."""
    log.set_level("", "debug")
    logger = logging.getLogger("moxlite.smtpd.session")
    slow, spent = slowness(), []
    for _ in range(5):  # the best of them: others of this process collect their garbage meanwhile
        before = time.thread_time()
        for number in range(1000):
            logger.debug("recipient accepted", extra={"kv": {"to": "ann@example.org", "number": number, "took": "3ms"}})
        spent.append(time.thread_time() - before)
    assert lines.getvalue().count("\n") == 5000
    assert min(spent) <= 0.1 * slow


def test_file_is_reopened_after_rotation(tmp_path: Path) -> None:
    """ADMIN-54: logrotate moves the file, SIGHUP makes a new one."""
    path = tmp_path / "log"
    handler = log.setup(path=path)
    logger = logging.getLogger("moxlite.net")
    logger.info("one")
    path.rename(tmp_path / "log.1")
    logger.info("two")
    handler.reopen()
    logger.info("three")
    logging.getLogger().removeHandler(handler)
    handler.close()
    assert "two" in (tmp_path / "log.1").read_text()
    assert '"three"' in path.read_text()
    assert "two" not in path.read_text()


def test_connection_ids_never_repeat() -> None:
    """ADMIN-54: they grow, beginning at the time of the start."""
    first, second = log.new_cid(), log.new_cid()
    assert second == first + 1 > 1_600_000_000_000


def test_every_room_has_its_panic_counter_from_the_start() -> None:
    """ADMIN-57, SMTP-17: zero, not absent."""
    text, content_type = exposition("text/plain")
    for pkg in metrics.PACKAGES:
        assert f'moxlite_panic_total{{pkg="{pkg}"}} '.encode() in text
    assert b"moxlite_connections " in text
    assert content_type.startswith("text/plain")
    assert exposition("application/openmetrics-text; version=1.0.0")[0].endswith(b"# EOF\n")


def test_lines_are_counted_by_room(lines: io.StringIO) -> None:
    """ADMIN-57: logging_level_*_total."""
    before = count("moxlite_logging_level_warn_total", pkg="imapd")
    logging.getLogger("moxlite.imapd.session").warning("x")
    assert count("moxlite_logging_level_warn_total", pkg="imapd") == before + 1


async def test_guard_counts_a_crash_and_lets_the_rest_run(lines: io.StringIO) -> None:
    """SMTP-17: logged with traceback, counted, gone no further; also from within a nursery."""
    before = count("moxlite_panic_total", pkg="smtpd")

    async def crash() -> None:
        raise RuntimeError("bug")

    with guard("smtpd"):
        raise RuntimeError("bug")
    with guard("smtpd"):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(crash)
    assert count("moxlite_panic_total", pkg="smtpd") == before + 2
    assert "Traceback" in lines.getvalue()


async def test_lost_connections_and_cancellation_are_no_panics(autojump_clock: trio.testing.MockClock) -> None:
    """SMTP-17: a client that goes away is daily business."""
    before = count("moxlite_panic_total", pkg="smtpd")
    with guard("smtpd"):
        raise trio.BrokenResourceError from TLSError("x")
    with guard("smtpd"):
        raise ExceptionGroup("x", [trio.BrokenResourceError()])
    with trio.move_on_after(1) as scope, guard("smtpd"):
        async with trio.open_nursery():
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert count("moxlite_panic_total", pkg="smtpd") == before
    with pytest.raises(KeyboardInterrupt), guard("smtpd"):
        raise KeyboardInterrupt


async def test_cancellation_among_crashes_goes_on() -> None:
    """SMTP-17: the guard swallows the crash in a group, never the cancellation beside it."""
    caught: list[BaseException] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as cancelled:
            with pytest.raises(BaseExceptionGroup) as raised, guard("web"):
                raise BaseExceptionGroup("both", [RuntimeError("bug"), cancelled]) from None
            caught += raised.value.exceptions
            raise
    assert [type(exc) for exc in caught] == [trio.Cancelled]


def test_components_are_silent_in_other_programs() -> None:
    """ADMIN-60a: standard loggers, and nothing on stderr until a program wants it; a program's own handler gets the
    fields.
    """
    code = (
        "import logging, sys; import moxlite.net.smtpclient; "
        "logger = logging.getLogger('moxlite.net.smtpclient'); logger.error('nobody hears this'); "
        "logging.basicConfig(format='%(message)s %(kv)s', stream=sys.stdout); "
        "logger.error('heard', extra={'kv': {'host': 'mx.example'}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=top())
    assert done.stderr == ""
    assert done.stdout == "heard {'host': 'mx.example'}\n"
