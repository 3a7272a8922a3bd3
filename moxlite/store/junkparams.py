"""Settings of the junk filter: table ``junk_filter`` of an account (STORE-89)."""

from __future__ import annotations

import msgspec


class Grams(msgspec.Struct, frozen=True):
    """Lengths of word sequences that count as words. Stored with the words of a generation; a change needs a
    retraining.
    """

    onegrams: bool = True
    twograms: bool = False
    threegrams: bool = False


class JunkParams(msgspec.Struct, frozen=True):
    """Parameters of the filter; the defaults apply to a new account.

    - `threshold`: probability above which a message is junk; applied by callers of the filter.
    - `max_power`: minimum probability of a word; 1 less this is the maximum.
    - `top_words`: number of words used for ham, and as many for spam.
    - `ignore_words`: words whose probability is nearer to 0.5 than this are ignored.
    - `rare_words`: the probability of words seen no more often than this is moved towards 0.5.
    """

    threshold: float = 0.95
    grams: Grams = Grams()
    max_power: float = 0.01
    top_words: int = 10
    ignore_words: float = 0.1
    rare_words: int = 2
