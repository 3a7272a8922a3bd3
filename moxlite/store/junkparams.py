"""Settings of the junk filter: table ``junk_filter`` of an account (STORE-89)."""

from __future__ import annotations

import msgspec

__all__ = ["Grams", "JunkParams"]


class Grams(msgspec.Struct, frozen=True):
    """Which runs of neighbouring words are words of their own. Kept beside the words that were made with it: others
    need a retraining.
    """

    onegrams: bool = True
    twograms: bool = False
    threegrams: bool = False


class JunkParams(msgspec.Struct, frozen=True):
    """How the filter judges; the defaults are those of a new account.

    - `threshold`: the probability above which a message is junk. For those who act on a judgement.
    - `max_power`: no word says more than this or 1 less this.
    - `top_words`: so many words on each side decide.
    - `ignore_words`: words this near to 0.5 say nothing.
    - `rare_words`: words seen no more often than this say less.
    """

    threshold: float = 0.95
    grams: Grams = Grams()
    max_power: float = 0.01
    top_words: int = 10
    ignore_words: float = 0.1
    rare_words: int = 2
