"""Quoted messages below a head, without a mark where they end: "-----Original Message-----", or sender and subject.

Programs write such a head once, and their users write anywhere: above it, and between the quoted lines. Only the
answered message tells who wrote a line below the head.
"""

from __future__ import annotations

import re
from typing import Final

from moxlite.proto.mime.text import fold

ORIGINAL: Final = (
    r"-{4,}\s{0,3}[^<>\n-]{0,30}(?:origin|ursprung|ursprüng|oorspronk|opprinnelig|oprindelig|alkuper|oryginal|исходн"
    r"|вихідн|оригін|původn|eredeti|izvorn|orijinal|מקורי|أصلي|元の|原始|原邮件|원본)[^<>\n-]{0,30}-{4,}"
)
"""Pattern of the line above the head, in the languages of mail programs; for any case of letters."""
LABEL: Final = re.compile(r"[\s*\u200e\u200f]{0,3}([^\W\d_][^:：<>]{0,30}?)\s?[:：]")
"""The begin of a line of the head, such as "Subject: an offer"."""

# Labels of the sender, the subject and the recipients.
# fmt: off
FROM: Final = frozenset({
    "from", "von", "de", "da", "van", "från", "fra", "lähettäjä", "od", "от", "от кого", "gönderen", "kimden", "差出人",
    "发件人", "寄件者", "보낸 사람", "feladó", "від", "від кого", "מאת", "من",
})
SUBJECT: Final = frozenset({
    "subject", "betreff", "objet", "oggetto", "onderwerp", "asunto", "assunto", "ämne", "emne", "aihe", "temat", "тема",
    "konu", "předmět", "件名", "主题", "主旨", "제목", "tárgy", "נושא", "الموضوع",
})
TO: Final = frozenset({
    "to", "an", "à", "a", "para", "aan", "till", "til", "vastaanottaja", "do", "komu", "кому", "kime", "宛先", "收件人",
    "받는 사람", "címzett", "אל", "إلى",
})
# fmt: on

_ORIGINAL_LINE: Final = re.compile(rf"\s{{0,9}}{ORIGINAL}\s*", re.IGNORECASE)
_RULE: Final = re.compile(r"_{20,}\s*")
"""The line that Outlook on the web and on a phone has above the head."""
_HEAD_LINES: Final = 12
"""Lines in which a head is looked for."""
_NO_LETTERS: Final = re.compile(r"[\W_]+")


def letters(text: str) -> str:
    """The letters and digits of a text, in the form in which texts are compared (IMAP-121). What programs add to a
    quoted line, and where they break it, doesn't count.
    """
    return _NO_LETTERS.sub("", fold(text))


def label_of(line: str) -> str | None:
    """The words before the colon of a line of a head, in lower case; None without one."""
    label = LABEL.match(line)
    return None if label is None else label[1].strip(" *").lower()


def is_all_quoted(lines: list[str], answered: str) -> bool:
    """Whether each line below a head, which begins with the first one, was in the answered message, in this order.
    `answered` has the `letters` of that message.
    """
    at = 0
    for line in lines[_head_end(lines) :]:
        words = letters(line)
        at = answered.find(words, at)
        if at < 0:
            return False
        at += len(words)
    return True


def _head_end(lines: list[str]) -> int:
    """The number of lines of the head that the first line begins. What the sender writes right below it may have a
    colon, too.
    """
    end = 0
    for number, line in enumerate(lines[:_HEAD_LINES], 1):
        label = label_of(line)
        if label in FROM or label in SUBJECT or label in TO or _ORIGINAL_LINE.fullmatch(line) or _RULE.fullmatch(line):
            end = number
        elif label is None and line.strip():
            break
    return end


def quoted_from(lines: list[str]) -> int | None:
    """Index of the line of a plain text where such a head begins; None without one."""
    for at, line in enumerate(lines):
        if (line[:1] in ("_", "-", " ", "\t") or "@" in line) and _begins_head(line, lines[at + 1 : at + 8]):
            return at
    return None


def _begins_head(line: str, following: list[str]) -> bool:
    """Whether lines of a head follow, three of them below a mere rule. Outlook on the desk has no line above it."""
    if "@" in line and label_of(line) in FROM:
        labels = {label_of(text) for text in following}
        return not labels.isdisjoint(SUBJECT) and not labels.isdisjoint(TO)
    needed = 2 if _ORIGINAL_LINE.fullmatch(line) else 3 if _RULE.fullmatch(line) else 0
    head = [text for text in following if text.strip()]
    return 0 < needed < len(head) and all(LABEL.match(text) for text in head[:needed])
