"""Sentences about why a message waits and about its next step, for people (QUEUE-23)."""

from collections.abc import Sequence
from typing import Final

from moxlite.queue.data.rows import DELIVERING, Message, Result
from moxlite.queue.data.status import meaning_of
from moxlite.queue.schedule import SECOND, attempts_left, max_attempts_of

UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))
SHORT: Final = 2
"""Minimum number of units; below it the next smaller unit is used: 90 min, not 1 h."""


def duration_words(microseconds: int) -> str:
    """A duration in rounded words: ``28 min``."""
    seconds = max(0, microseconds) / SECOND
    for size, unit in UNITS:
        if seconds >= SHORT * size:
            return f"{round(seconds / size)} {unit}"
    return f"{round(seconds)} s"


def why_words(message: Message, now: int, waits: str) -> str:
    """Why a message has not been sent yet. `waits`: the current reason why its recipients' domain waits, or ""."""
    last = _ended(message)
    if message.done:
        return "it is over; the sender is being told" + (f": {_failure(last)}" if last and not last.success else "")
    if message.last_result is not None and message.last_result.error == DELIVERING:
        return "an attempt is under way"
    if message.guarded:
        return "its account is stopped: it looks as if a stranger sends with it"
    if message.hold:
        return "it is on hold until it is released"
    if last is not None and message.next_attempt > now:
        return _failure(last)
    if waits:
        return waits
    if message.next_attempt > now:
        return "its sender wants it to leave later" if message.future_release_request else "it was put off"
    return "it is due, and waits for its turn"


def next_words(
    message: Message, now: int, *, retry_delays: Sequence[float], max_attempts: int, delay_dsn_attempt: int
) -> str:
    """The next step of a message, if nothing changes."""
    if message.done:
        return "it leaves the queue"
    if message.guarded:
        return f"nothing, until `moxlite queue guard release {message.account}`"
    if message.hold:
        return "nothing, until `moxlite queue unhold`"
    maximum = max_attempts_of(message.max_attempts, max_attempts)
    left = attempts_left(message.attempts, maximum, message.next_attempt, retry_delays)
    if not left:
        return "the attempt that is under way is the last one"
    first = "now" if left[0] <= now else f"in {duration_words(left[0] - now)}"
    words = f"attempt {message.attempts + 1} of {maximum} {first}"
    if len(left) > 1:
        words += f", the last one in {duration_words(left[-1] - now)}"
    if message.attempts < delay_dsn_attempt <= maximum and message.sender_domain:
        words += f"; after attempt {delay_dsn_attempt} the sender is told that it is late"
    return words


def admin_words(result: Result | None) -> str:
    """Advice for the administrator about a failure, "" for none needed."""
    return meaning_of(result).admin if result is not None and result.error and result.error != DELIVERING else ""


def _ended(message: Message) -> Result | None:
    ended = [result for result in message.results if result.error != DELIVERING]
    return ended[-1] if ended else None


def _failure(result: Result) -> str:
    meaning = meaning_of(result).meaning
    return f"{meaning} {result.error}" if meaning else result.error
