"""Run by the Python that has recurring-ical-events: reads lines of JSON with a calendar and a stretch, and writes for
each the instances that begin in it: start, length, and end by the library, all in seconds; null where the library gives
none within two seconds. The length is that on the clocks, or the seconds of the entry's own DTSTART to DTEND, which all
its instances have (RFC 5545 §3.8.5.3) and which differ where the clocks are changed between the two.
"""

import importlib
import json
import signal
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

DAY = timedelta(days=1)


class TooLong(Exception):
    """The deadline."""


def seconds(moment: date) -> int:
    """Dates and floating times count as UTC."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())


def clock(moment: date) -> date:
    """The same time without a zone."""
    return moment.replace(tzinfo=None) if isinstance(moment, datetime) else moment


def clock_length(start: date, end: date) -> int:
    """Seconds between two times on the clocks."""
    return seconds(clock(end)) - seconds(clock(start))


def found(text: str, since: int, until: int) -> list[tuple[int, int, int]]:
    """By start."""
    calendar: Any = importlib.import_module("icalendar").Calendar.from_ical(text)
    query: Any = importlib.import_module("recurring_ical_events").of(calendar)
    stretch = datetime.fromtimestamp(since, UTC) - 2 * DAY, datetime.fromtimestamp(until, UTC) + 2 * DAY
    spans = [(event["DTSTART"].dt, event.end) for event in query.between(*stretch)]
    entry = next(event for event in calendar.walk("VEVENT") if "RECURRENCE-ID" not in event)
    lengths = dict[int, int]()
    if "DTEND" in entry:
        start, end = entry["DTSTART"].dt, entry["DTEND"].dt
        lengths[clock_length(start, end)] = seconds(end) - seconds(start)
    instances = [
        (seconds(start), lengths.get(length := clock_length(start, end), length), seconds(end)) for start, end in spans
    ]
    return sorted(instance for instance in instances if since <= instance[0] < until)


def stop(_signal: int, _frame: object) -> None:
    """End what takes too long."""
    raise TooLong


def main() -> None:
    """Answer each line."""
    signal.signal(signal.SIGALRM, stop)
    for line in sys.stdin:
        case = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, 2)
        answer: object
        try:
            answer = found(case["text"], case["since"], case["until"])
        except TooLong:
            answer = None
        except Exception as error:  # told beside the rule
            answer = repr(error)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
