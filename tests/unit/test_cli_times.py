"""Figures of time in the pages for owners: each is a constant of the code, was measured, or says whose it is."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

import pytest

from moxlite import supervision
from moxlite.admin.backup import schedule
from moxlite.admin.doctor import placement, signaturewatch
from moxlite.admin.standby import lease, litestream, replicating
from moxlite.config.listeners import SMTPService
from moxlite.config.static import Queue
from moxlite.config.values import parse_duration
from moxlite.migration import incoming, linkstate, maildrop
from moxlite.net import listeners
from moxlite.net.dns import client as dns
from moxlite.net.storage import locking
from moxlite.process import ports
from moxlite.proto.smtp import conversation
from moxlite.queue.data import mirrorrows
from moxlite.queue.guard import signs
from moxlite.queue.hosts import load
from moxlite.queue.reports import daily
from moxlite.queue.reports.dmarc import DMARCReports
from moxlite.queue.reports.tls import TLSReports
from moxlite.queue.schedule import SECOND
from moxlite.queue.webhooks import keeping
from moxlite.store.delivery import answers
from moxlite.store.file import writer
from moxlite.web import exports, sessions
from moxlite.web.admin import sessions as adminsessions
from moxlite.web.composing import sending
from moxlite.web.handlers import forward
from moxlite.web.http2 import frames
from moxlite.web.notices import service
from tests.unit.test_cli_docs import FENCE, FOR_OWNERS, TOP

FIGURE: Final = re.compile(
    r"(?<![\w.,])(?:\d[\d.,]*|one|two|three|four|five|ten|fifteen|thirty)"
    r"(?: (?:to|and|or) \d[\d.,]*)?[ \u202f\u00a0](?:ms|s|seconds?|minutes?|min|hours?)\b"
)
WORDS: Final = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "ten": 10, "fifteen": 15, "thirty": 30}
UNITS: Final = {"ms": 0.001, "s": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
GENERATED: Final = {"cli", "config", "retention"}


class Measured(NamedTuple):
    """Figures that a page has in the section of a heading, in any unit of time, rounded."""

    page: str
    heading: str


Source: TypeAlias = float | Measured | str
"""Seconds of a constant, a measurement, or the words of whose the figure is."""

PI: Final = Measured("performance", "A machine like a Raspberry Pi")
STANDBY: Final = Measured("performance", "Standby server")
PAGE: Final = "the pause of frontend/webmail/alarms/part.ts"
READER: Final = "time of a reader, most of it of the reading; tests/integration/newcomer.py plays the steps"
OTHERS: Final = "a figure of other programs, or of machines"
EXAMPLE: Final = "an example of an answer"

SOURCES: Final[Mapping[str, Mapping[str, Source]]] = {
    "backup": {"ten minutes": schedule.RETRY, "4 s": EXAMPLE},
    "backup-away": {"two hours": locking.STALE},
    "calendar": {"5 minutes": PAGE},
    "compromised": {"10 minutes": 60 * signs.FAILURE_MINUTES, "two hours": 60 * signs.SHARE_MINUTES},
    "doctor": {
        "10 seconds": writer.HANGING,
        "five minutes": dns.SILENT_SECONDS,
        "5 s": dns.TRY_SECONDS,
        "10 s": signaturewatch.SETTLE_SECONDS,
        "40 s": lease.SILENT,
        "55 s": lease.END,
        "1 s": supervision.FIRST_PAUSE,
        "5 min": supervision.LAST_PAUSE,
    },
    "faq": {"15 minutes": READER},
    "first-hour": {
        "10 minutes": READER,
        "2 minutes": OTHERS,
        "15 seconds": SMTPService().first_time_sender_delay,
    },
    "home-server": {"300 s": OTHERS},
    "import-export": {"ten minutes": exports.GRACE},
    "install": {
        "6 hours": ports.REREAD_SECONDS,
        "3 s": listeners.GRACE_SECONDS,
        "1 s": supervision.FIRST_PAUSE,
        "5 min": supervision.LAST_PAUSE,
        "five minutes": "the bound of tests/integration/test_server_newcomer.py",
    },
    "linked": {
        "two seconds": "a bound of tests/session/test_migration_link_sessions.py",
        "fifteen minutes": linkstate.REFUSED_WAITS[0],
        "four hours": linkstate.REFUSED_WAITS[2],
        "ten minutes": incoming.DOUBT_SECONDS,
        "five minutes": maildrop.POLL,
    },
    "login-provider": {
        "12 hours": adminsessions.LIFETIME / 1e6,
        "5 seconds": "a bound of tests/session/test_web_lock.py",
    },
    "operations": {"10 minutes": sessions.CONFIRMED},
    "phone": {"ten minutes": sessions.CONFIRMED, "15 minutes": OTHERS},
    "placement": {"15 minutes": placement.WAIT},
    "queue": {
        "five seconds": load.IDLE_SECONDS,
        "30 minutes": load.PAUSES[-1] / SECOND,
        "two seconds": mirrorrows.GRACE / SECOND,
    },
    "raspberry-pi": {
        "10 ms": PI,
        "0.2 ms": OTHERS,
        "0.2 to 1 ms": OTHERS,
        "0.06 to 0.08 s": PI,
        "0.5 s": PI,
        **dict.fromkeys(("2 to 6 ms", "15 to 25 ms", "7 to 9 ms", "7 to 12 ms", "7 ms", "2 ms", "28 to 39 ms"), PI),
        **dict.fromkeys(("6 to 7 ms", "18 to 27 ms", "400 to 590 ms", "27 to 32 ms", "25 to 43 ms"), PI),
        "65 to 73 s": "10,000 messages at the rates of APPEND in docs/performance.md",
        "220 to 260 s": "10,000 messages at the rates of APPEND in docs/performance.md",
        **dict.fromkeys(("2 s", "8 to 10 s", "5 to 6 s"), PI),
    },
    "reports": {
        "4 and 6 minutes": daily.LAST_SECONDS,
        "four hours": TLSReports.span,
        "45 minutes": DMARCReports.span,
    },
    "spam": {"15 seconds": SMTPService().first_time_sender_delay},
    "standby": {
        "2 to 15 ms": OTHERS,
        "10 s": lease.RENEW,
        "30 s": parse_duration(litestream.LEVELS[0]),
        "40 s": lease.SILENT,
        "55 s": lease.END,
        "60 s": lease.LIFETIME,
        "75 s": replicating.ALONE,
        "ten minutes": lease.STOPPED,
        **dict.fromkeys(("9 ms", "14 ms", "76 ms"), STANDBY),
    },
    "standby-failures": {"55 s": lease.END, "75 s": replicating.ALONE, "ten minutes": lease.STOPPED},
    "team": {"five minutes": answers.FADES / 1e6},
    "two-step": {"ten minutes": sessions.CONFIRMED},
    "webapi": {"32 hours": sum(keeping.DELAYS), "five minutes": OTHERS},
    "webhooks": {"30 minutes": keeping.DELAYS[5], "8 and 16 hours": keeping.DELAYS[-1]},
    "webmail": {
        "ten minutes": sessions.CONFIRMED,
        "ten seconds": sending.OFFERED,
        "two seconds": service.PAUSE,
    },
    "webserver": {
        "30 minutes": forward.IDLE_SECONDS,
        "60 s": forward.HEAD_SECONDS,
        "10 s": frames.PERIOD,
        "100 ms": "a bound of tests/integration/test_web_http2_programs.py",
    },
    "where-is-my-mail": {"ten minutes": conversation.FINAL_TIMEOUT, "two hours": sum(Queue().retry_delays[:4])},
}
"""The source of each figure, by page. Two of the same words on one page have one source, too."""


def figures(page: str) -> Iterator[str]:
    """The figures of time of a page, with plain blanks. `0s` and the like are options of commands."""
    text = FENCE.sub("", (TOP / f"docs/{page}.md").read_text())
    for found in FIGURE.finditer(text):
        yield re.sub(r"\s", " ", found[0])


def seconds(figure: str) -> list[float]:
    """Each number of a figure in seconds."""
    *numbers, unit = re.sub(r" (to|and|or) ", " ", figure).split(" ")
    scale = UNITS[unit if unit in UNITS else unit.removesuffix("s")]
    return [scale * (WORDS[one] if one in WORDS else float(one.replace(",", ""))) for one in numbers]


def is_measured(figure: str, at: Measured) -> bool:
    """Whether the section has each number, in seconds or ms, and as exactly as the figure says."""
    text = (TOP / f"docs/{at.page}.md").read_text()
    section = text.partition(f"## {at.heading}\n")[2].partition("\n## ")[0]
    there = [float(one.replace(",", "")) for one in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", section)]
    return all(
        any(abs(one - number * scale) <= 0.06 * number * scale for one in there for scale in (1, 1000))
        for number in seconds(figure)
    )


PAGES: Final = [path.stem for path in FOR_OWNERS if path.parent != TOP and path.stem not in GENERATED]


@pytest.mark.parametrize("page", PAGES)
def test_each_figure_of_time_has_a_source(page: str) -> None:
    """docs/README.md: a page says no time that the code does not keep and that was not measured."""
    sources = SOURCES.get(page, {})
    found = set(figures(page))
    assert found == set(sources), "figures without a source, or sources without a figure"
    for figure in found:
        source = sources[figure]
        if isinstance(source, Measured):
            assert is_measured(figure, source), figure
        elif not isinstance(source, str):
            assert any(one == pytest.approx(source, rel=0.07) for one in seconds(figure)), (figure, source)
