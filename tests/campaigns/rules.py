"""Rules of repeated events: the instances of the server beside other libraries (DAV-9, DAV-9a).

Generated entries (`_rules`) are put by CalDAV, and each is asked for with `expand`; recurring-ical-events expands the
same text in a Python of its own, and rrule-temporal and ical.js its rule alone. A valid rule that is refused, or whose
times no library has, is a finding; so is an entry of which recurring-ical-events has other instances, unless it has
others of the bare rule, too, in which rrule-temporal or ical.js agree with us. With `MOXLITE_LIBICAL=FOLDER`, a copy of
libical's repository outside the tree, the rules of its `test-data/recur.txt` and `src/test/icalrecur_test.txt` are put,
too, and must have the instances that these files say.
"""

import base64
import collections
import http.client
import json
import os
import random
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree.ElementTree import fromstring
from zoneinfo import ZoneInfo

from moxlite.proto.cards.rules import EPOCH
from tests.campaigns._rulelibraries import Libraries
from tests.campaigns._rules import Case, calendar, generated
from tests.campaigns.kill import insecure
from tests.campaigns.report import Finding, Report
from tests.foreign import foreign_program
from tests.running import LocalServer

__all__ = ["run"]

RULES = 20_000
FEWEST = 100
DAY = 86_400
COMPARED = 900
"""Instances of a rule that are compared, the first ones: an answer has 1,000 of an entry (DAV-9)."""

HOME = "/dav/calendars/moxlite/calendar/"
SPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
DATA = "{urn:ietf:params:xml:ns:caldav}calendar-data"
TIME = re.compile(r"^(DTSTART|DTEND|DURATION)(?:;[^:]*)?:(.*)$", re.MULTILINE)
LENGTH = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
NAMED = re.compile(r"^(?:EXDATE|RECURRENCE-ID);TZID=([^:;]*)[^:]*:(.*)$", re.MULTILINE)
BEYOND = re.compile("(?=.*FREQ=YEARLY)(?=.*BYDAY=[^;]*53)")
"""Rules with the 53rd day of a kind, which two libraries take from the next year where a year has 52."""
NOMINAL = re.compile("^DURATION:P[^T]", re.MULTILINE)

Pairs = list[tuple[int, int]]
"""Starts and ends of instances, sorted."""


class Server:
    """The server as a program for calendars sees it."""

    def __init__(self, server: LocalServer) -> None:
        self._connection = http.client.HTTPSConnection("127.0.0.1", server.port(443), timeout=120, context=insecure())
        pair = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
        self._asked = time.monotonic()
        self._headers = {"authorization": f"Basic {pair}", "content-type": "text/calendar"}

    def ask(self, method: str, path: str, body: str = "", depth: str = "0") -> tuple[int, str]:
        """Status and text of an answer. The server closes a connection that rests for a minute."""
        if time.monotonic() - self._asked > 30:
            self._connection.close()
        self._asked = time.monotonic()
        self._connection.request(method, path, body.encode(), self._headers | {"depth": depth})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status >= 500:
            raise Finding(f"{method} {path}: status {answer.status}: {text[:300]}\n{body}")
        return answer.status, text

    def instances(self, case: Case) -> Pairs | str:
        """The instances that begin in the stretch of an entry, or the reason for which the server refuses it."""
        path = f"{HOME}{case.name}.ics"
        status, text = self.ask("PUT", path, case.text)
        if status != 201:
            return reason(text)
        since, until = (f"{datetime.fromtimestamp(one, UTC):%Y%m%dT%H%M%SZ}" for one in (case.since, case.until))
        expand = f'<C:calendar-data><C:expand start="{since}" end="{until}"/></C:calendar-data>'
        inner = f"<D:prop>{expand}</D:prop><D:href>{path}</D:href>"
        status, text = self.ask("REPORT", HOME, f"<C:calendar-multiget {SPACES}>{inner}</C:calendar-multiget>")
        data = fromstring(text).find(f".//{DATA}")
        self.ask("DELETE", path)
        if status == 403:  # one that takes nearly a second
            return reason(text)
        if status != 207 or data is None:
            raise Finding(f"entry {case.name}: status {status}: {text[:300]}")
        pairs = [span(part) for part in (data.text or "").split("BEGIN:VEVENT")[1:]]
        return sorted(pair for pair in pairs if case.since <= pair[0] < case.until)


def reason(text: str) -> str:
    """The words of a refusal."""
    return re.sub(r"<[^>]*>", "", text).strip().rpartition("\n")[2]


def seconds(text: str) -> int:
    """A time; floating times and dates count as UTC."""
    form = "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d"
    return int(datetime.strptime(text.rstrip("Z"), form).replace(tzinfo=UTC).timestamp())


def span(part: str) -> tuple[int, int]:
    """Start and end of an event in UTC."""
    found = {name: value.strip() for name, value in TIME.findall(part)}
    start = seconds(found["DTSTART"])
    if "DTEND" in found:
        return start, seconds(found["DTEND"])
    match = LENGTH.fullmatch(found.get("DURATION", "PT0S" if "T" in found["DTSTART"] else "P1D"))
    assert match is not None, part
    weeks, days, hours, minutes, rest = (int(group or 0) for group in match.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=rest)
    return start, start + int(length.total_seconds())


class Library:
    """recurring-ical-events in a process of its own."""

    def __init__(self) -> None:
        command = [foreign_program("rules", "python"), Path(__file__).parent / "_instances.py"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def instances(self, case: Case) -> list[tuple[int, int, int]] | str | None:
        """The instances that begin in the stretch, words of an error, or None where it takes too long. An instance has
        a start, an end by the entry's length in seconds, and an end by its own time on the clocks.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"text": case.text, "since": case.since, "until": case.until}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if not isinstance(answer, list):
            return None if answer is None else str(answer)
        return [(start, start + length, end) for start, length, end in answer]

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=20)


def differing(own: Pairs, others: list[tuple[int, int, int]], *, days: bool) -> str:
    """What the one has and the other has not; "" for the same. `days`: lengths are days of the calendar; else they are
    seconds of the first instance (RFC 5545 §3.8.5.3), where the library adds to the time on the clocks.
    """
    own, others = own[:COMPARED], others[:COMPARED]
    ends = collections.defaultdict[int, list[int]](list)
    for start, by_seconds, by_clocks in others:
        ends[start] += [by_clocks] if days else [by_seconds, by_clocks]
    more = [(start, end) for start, end in own if end not in ends[start]]
    less = [(start, end) for start, _, end in others if start not in {pair[0] for pair in own}]
    # an hour that the clocks leave out is that after it, which recurring-ical-events has twice then
    once = len({start for start, _ in own}) == len(own)
    if not more and not less and (once or len(own) == len(others)):
        return ""
    words = [f"{len(own)} here, {len(others)} there"]
    for name, pairs in (("here alone", more), ("there alone", less)):
        shown = (f"{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M} + {end - start} s" for start, end in pairs[:4])
        words.append(f"{name}: {', '.join(shown) or 'none'}")
    return "; ".join(words)


def unlike(case: Case, own: Pairs, other: list[tuple[int, int, int]]) -> str:
    """`differing` of an entry."""
    return differing(own, other, days=NOMINAL.search(case.text) is not None)


def without_misread(case: Case, own: Pairs) -> Pairs:
    """The instances but those whose UTC reads as an EXDATE or a RECURRENCE-ID does on the clocks, or whose clocks read
    as its UTC: recurring-ical-events 3.8 takes them away. `nameable` avoids that for the first times of an entry alone.
    """
    misread = set[int]()
    for name, values in NAMED.findall(case.text):
        zone = ZoneInfo(name)
        for clock in (datetime.fromisoformat(value) for value in values.strip().split(",")):
            reversed_ = clock.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=zone)
            misread |= {int(clock.replace(tzinfo=UTC).timestamp()), int(reversed_.timestamp())}
    return [pair for pair in own if pair[0] not in misread]


def bare(case: Case) -> Case:
    """The first rule of an entry alone, in UTC."""
    lines = [f"DTSTART:{case.start:%Y%m%dT%H%M%S}Z", "DURATION:PT1H", f"RRULE:{until_in_utc(case.rule)}"]
    return replace(case, text=calendar(0, lines, []), since=case.since - DAY, until=case.until + DAY)


def agreeing(server: Server, library: Library, case: Case) -> bool:
    """Whether recurring-ical-events has the same instances of the bare rule."""
    alone = bare(case)
    own, other = server.instances(alone), library.instances(alone)
    return not isinstance(own, str) and isinstance(other, list) and not unlike(alone, own, other)


def until_in_utc(rule: str) -> str:
    """A rule whose UNTIL, of whatever form, is of UTC."""
    return re.sub("UNTIL=([0-9]{8})(?!T)", r"UNTIL=\1T235959Z", re.sub("(UNTIL=[0-9]{8}T[0-9]{6})Z?", r"\1Z", rule))


def compare(
    server: Server, library: Library, libraries: Libraries, case: Case, counts: collections.Counter[str]
) -> None:
    """Compare an entry. Raises Finding."""
    rule = until_in_utc(case.rule)
    until = EPOCH + timedelta(seconds=case.until)
    if words := libraries.judged(rule, case.start, until):
        if not BEYOND.search(rule) or not agreeing(server, library, case):
            raise Finding(f"rule {case.name}: {rule} from {case.start}\n{words}")
        counts["rules with a 53rd day, in which recurring-ical-events alone agrees"] += 1
    own, other = server.instances(case), library.instances(case)
    if isinstance(own, str):
        raise Finding(f"entry {case.name} is refused: {own}\n{case.text}")
    if not isinstance(other, list):
        counts["too slow for recurring-ical-events" if other is None else "errors of recurring-ical-events"] += 1
    elif (words := unlike(case, own, other)) and unlike(case, without_misread(case, own), other):
        alone = bare(case)
        own, other = server.instances(alone), library.instances(alone)
        if (
            other is None
        ):  # it looks for times of the bare rule until the year 9999, and may end a moment earlier or later
            counts["bare rules too slow for recurring-ical-events"] += 1
            return
        if not isinstance(own, str) and isinstance(other, list) and unlike(alone, own, other):
            counts["mistakes of recurring-ical-events about the bare rule"] += 1
            return
        raise Finding(f"entry {case.name}: {words}\n{case.text}")
    else:
        counts["the same"] += 1
        counts["instances"] += len(own)


def listed(folder: Path) -> Iterator[tuple[Case, int, list[str] | None]]:
    """libical's rules: an entry, how many instances it has, and which, where the file says that."""
    far = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
    for number, block in enumerate((folder / "test-data/recur.txt").read_text().split("BEGIN:VEVENT\n")[1:]):
        lines = re.sub("\n[ \t]", "", block.partition("END:VEVENT")[0]).splitlines()
        lines = [line for line in lines if line.startswith(("RRULE", "EXRULE", "DTSTART", "DTEND", "EXDATE"))]
        amount = re.search("X-EXPECT-NUMEVENTS: ([0-9]+)", block)
        if amount is not None and not block.startswith(";"):
            yield Case(f"recur-{number}", calendar(number, lines, []), 0, far), int(amount[1]), None
    for number, block in enumerate((folder / "src/test/icalrecur_test.txt").read_text().split("\n\n")):
        fields = dict(line.split(":", 1) for line in block.splitlines() if re.match("[A-Z-]+:", line))
        rule = fields.get("RRULE", "")
        if rule and "***" not in (found := fields.get("INSTANCES", "***")):
            starts = found.split(",") if found.strip() else []
            lines = [f"{name}:{fields[name]}" for name in ("DTSTART", "RRULE")]
            yield Case(f"table-{number}", calendar(number, lines, []), 0, far), len(starts), starts


def differing_listed(case: Case, own: list[int], amount: int, starts: list[str] | None) -> str:
    """What differs; "" for the same. DTSTART, where its own rule does not give it, is no instance there, nor the first
    of COUNT.
    """
    there = None if starts is None else sorted(map(seconds, starts))
    if there is not None and own and own[0] not in there and "COUNT=" in case.text:
        there, amount = there[:-1], amount - 1
    if own and (len(own) > amount if there is None else own[0] not in there):
        own = own[1:]
    if len(own) == amount and there in (None, own):
        return ""
    return f"{case.name}: {len(own)} in place of {amount}\n{case.text}\n{there}\n{own[:20]}"


def compare_listed(server: Server, folder: Path, report: Report) -> None:
    """Compare the rules of libical's files. Raises Finding."""
    refused, same, others = collections.Counter[str](), 0, 0
    for case, amount, starts in listed(folder):
        own = server.instances(case)
        if isinstance(own, str):
            refused[own] += 1
        elif words := differing_listed(case, [start for start, _ in own], amount, starts):
            if not ("BYWEEKNO=" in case.text and "INTERVAL=" in case.text):
                raise Finding(words)
            others += 1  # libical counts years from that of the start's week, rrule-temporal and dateutil from its own
        else:
            same += 1
    report.tell(f"{same} of libical's rules are the same, {refused.total()} are refused: {dict(refused)}")
    report.tell(f"{others} with BYWEEKNO and INTERVAL begin in a week of another year")


def run(seed: int, share: float, report: Report) -> None:
    """RULES × share, FEWEST at least; and the tables of libical, where there is a copy."""
    number, counts = max(FEWEST, round(RULES * share)), collections.Counter[str]()
    with tempfile.TemporaryDirectory(prefix="moxlite-rules-") as folder, LocalServer(Path(folder) / "l") as running:
        server, library, libraries = Server(running), Library(), Libraries()
        server.ask("PROPFIND", HOME)
        try:
            for place in range(number):
                compare(server, library, libraries, generated(place, random.Random(seed * 1_000_003 + place)), counts)
        finally:
            library.close()
            libraries.close()
        if libical := os.environ.get("MOXLITE_LIBICAL"):
            compare_listed(server, Path(libical), report)
        report.tell(f"{number:,} rules: {counts['the same']:,} have the same {counts['instances']:,} instances")
        report.tell(f"{', '.join(f'{name}: {count:,}' for name, count in counts.most_common())}")
