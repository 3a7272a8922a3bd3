"""Conditions of rules in words, such as "subject contains invoice": facts of a message, and the tests on them
(STORE-64a).

Patterns of rules, and the choice of the rule that takes a message, are in `rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

import msgspec

from moxlite.config.domains import Condition
from moxlite.config.values import parse_size
from moxlite.proto.address import spellings
from moxlite.proto.mime.text import Read, fold, token_text
from moxlite.proto.mime.types import MailAddress, Structure
from moxlite.store.content.prepare import PreparedMessage

MAX_TEXT: Final = 256 << 10
"""Characters of the visible text that are searched, from the first one on: some 40 ms to read."""

MAX_ADDRESSES: Final = 1000
"""Addresses of a field that are compared."""


class RuleContent(msgspec.Struct, frozen=True):
    """The message itself: its structure, and how its octets are read, in a thread, by the offsets of the structure."""

    structure: Structure
    read: Read


class RuleFacts(msgspec.Struct, frozen=True):
    """The parts of a message that rules match.

    Attributes:
      mail_from: the envelope sender as text, "" for the null path.
      msg_from: the address of the From field, None if it cannot be read.
      verified_domains: domains of a verified EHLO, MAIL FROM or DKIM signature, in the form in which rules name them.
      headers: names and unfolded, decoded values; None when the header cannot be parsed: then no rule matches.
      content: for conditions in words; without it none holds.
    """

    mail_from: str
    msg_from: str | None
    verified_domains: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] | None
    content: RuleContent | None = None


def content_of(prepared: PreparedMessage) -> RuleContent:
    """The content of a message on its way into the account. Its read blocks."""
    plain = prepared.with_prefix(b"")
    return RuleContent(plain.index, lambda start, end: plain.spool.read(start, end - start))


class PlainFacts:
    """The texts that conditions compare, folded, each made when the first condition asks for it.

    Args:
      facts: with a content.
    """

    def __init__(self, facts: RuleFacts, content: RuleContent) -> None:
        self._headers = facts.headers or ()
        self._content = content

    @cached_property
    def from_(self) -> tuple[str, ...]:
        """Names and addresses of From."""
        return _written(self._content.structure.envelope.from_)

    @cached_property
    def authors(self) -> tuple[str, ...]:
        """Addresses of From, without names, which anybody chooses as he likes."""
        return _written(self._content.structure.envelope.from_, names=False)

    @cached_property
    def to(self) -> tuple[str, ...]:
        """Names and addresses of To and Cc."""
        envelope = self._content.structure.envelope
        return _written((*envelope.to, *envelope.cc))

    @cached_property
    def subject(self) -> tuple[str, ...]:
        """The subject."""
        return (plain(self._content.structure.envelope.subject),)

    @cached_property
    def list(self) -> tuple[str, ...]:
        """The texts of List-Id, whole and without what is around the identifier (RFC 2919 §3)."""
        values = [plain(value) for name, value in self._headers if name.lower() == "list-id"]
        return (*values, *(text.rpartition("<")[2].rstrip(">") for text in values if text.endswith(">")))

    @cached_property
    def text(self) -> tuple[str, ...]:
        """Senders, recipients, subject, and the visible text."""
        parts = token_text(self._content.structure, self._content.read, MAX_TEXT)
        texts = [text for part in parts for text in (part.text, part.unshown)]
        return (*self.from_, *self.to, *self.subject, *map(plain, texts))

    @property
    def size(self) -> int:
        """Message content, as bytes."""
        return self._content.structure.size

    @property
    def has_attachment(self) -> bool:
        """Whether a part is marked as an attachment, or has a name and is no text."""
        return any(part.is_attachment for part in self._content.structure.root.walk())


def plain(text: str) -> str:
    """The form in which texts are compared: folded, with single blanks."""
    return " ".join(fold(text).split())


def _written(addresses: Sequence[MailAddress], *, names: bool = True) -> tuple[str, ...]:
    texts: list[str] = []
    for address in addresses[:MAX_ADDRESSES]:
        texts += map(plain, spellings(address.localpart, address.domain))
        if names and address.name and "@" not in address.name:  # such a name pretends to be an address
            texts.append(plain(address.name))
    return tuple(texts)


TESTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "contains": lambda text, value: value in text,
    "is": lambda text, value: text == value,
    "begins": str.startswith,
    "ends": str.endswith,
}


def holds(condition: Condition, facts: PlainFacts, *, by_name: bool = True) -> bool:
    """Whether a condition holds, in time linear in the texts that it names. `by_name`: names of authors count, too."""
    if condition.part == "attachment":
        return facts.has_attachment
    if condition.part == "larger":
        return facts.size > parse_size(condition.value.strip())
    if condition.part == "from":
        texts = facts.from_ if by_name else facts.authors
    else:
        texts = getattr(facts, condition.part)
    value, test = plain(condition.value), TESTS[condition.test]
    return bool(value) and any(test(text, value) for text in texts)
