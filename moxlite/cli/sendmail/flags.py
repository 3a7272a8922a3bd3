"""The command line of sendmail, as far as programs use it. Flags without a meaning here are ignored (QUEUE-142)."""

from collections.abc import Sequence
from typing import Final

import msgspec

WITH_VALUE: Final = frozenset("fFrCoNRVBDhLOpqXAbd")
"""Flags with a value, which follows at once (``-oi``, ``-froot``) or as the next word (``-o i``, ``-f root``)."""

ATTACHED: Final = frozenset("bqdp")
"""Flags of `WITH_VALUE` whose value can only follow at once: ``-bm``, ``-q30m``."""


class Flags(msgspec.Struct, frozen=True):
    """The flags and recipients of a command line.

    Attributes:
      recipients: from the command line. from_header: (-t) also send to the addresses in To, Cc and Bcc.
      dots: (-i, -oi) a line with a dot alone is text, and does not end the message.
      sender: (-f, -r) of the envelope. name: (-F) of the sender, for people. config: (-C) another file of settings.
      mode: (-b) the task; "m" is sending mail.
    """

    recipients: tuple[str, ...] = ()
    from_header: bool = False
    dots: bool = False
    sender: str = ""
    name: str = ""
    config: str = ""
    mode: str = "m"


def parse_flags(words: Sequence[str]) -> Flags:
    """Parse the words after the program's name."""
    recipients: list[str] = []
    values: dict[str, str] = {}
    from_header = dots = False
    waiting = iter(words)
    for word in waiting:
        if word == "--":
            recipients += waiting
        elif not word.startswith("-") or word == "-":
            recipients.append(word)
        elif word[1] in WITH_VALUE:
            value = word[2:] or ("" if word[1] in ATTACHED else next(waiting, ""))
            values[word[1]] = value
            dots = dots or (word[1] == "o" and value.startswith("i"))
        else:  # some programs combine several: -ti
            from_header = from_header or "t" in word
            dots = dots or "i" in word
    return Flags(
        recipients=tuple(one for words in recipients for one in words.replace(",", " ").split()),
        from_header=from_header,
        dots=dots,
        sender=values.get("f") or values.get("r", ""),
        name=values.get("F", ""),
        config=values.get("C", ""),
        mode=values.get("b") or "m",
    )
