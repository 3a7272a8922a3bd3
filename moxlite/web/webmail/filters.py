"""Translation of a webmail query to a search of the store (WEBMAIL-38, WEBMAIL-39).

Flags, sizes and times become conditions on rows. Words are searched in the text index. Correspondents, subjects and
attachments are tested on the stored structure, header fields on the stored header. For these tests, the words of the
value are given to the text index as a hint: messages whose header lacks them are not tested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from moxlite.proto.address import spellings
from moxlite.proto.mime.addresstext import address_words
from moxlite.proto.mime.automatic import automatic, is_machine, is_newsletter
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import fold
from moxlite.store.names import split_flags
from moxlite.store.rows import conditions as q
from moxlite.store.search.finding import MessageQuery, Test
from moxlite.store.search.queries import (
    AllOf,
    AnyOf,
    Contains,
    FileHint,
    Lacks,
    SearchedPart,
    Term,
    in_addresses,
    in_header,
)
from moxlite.web.webmail.items import EPOCH, attachments
from moxlite.web.webmail.querytypes import INBOXES

if TYPE_CHECKING:
    from moxlite.proto.mime.types import MailAddress, Structure
    from moxlite.store.types import MailboxID
    from moxlite.web.webmail.querytypes import Filter, Kind, NotFilter, Query

KINDS: Final[dict[str, Kind]] = {
    "application/pdf": "pdf",
    "application/zip": "archive",
    "application/x-zip-compressed": "archive",
    "application/gzip": "archive",
    "application/x-gzip": "archive",
    "application/x-tar": "archive",
    "application/x-bzip2": "archive",
    "application/x-7z-compressed": "archive",
    "application/vnd.rar": "archive",
    "application/x-rar-compressed": "archive",
    "application/vnd.oasis.opendocument.spreadsheet": "spreadsheet",
    "application/vnd.ms-excel": "spreadsheet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "spreadsheet",
    "application/vnd.oasis.opendocument.text": "document",
    "application/msword": "document",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "document",
    "application/vnd.oasis.opendocument.presentation": "presentation",
    "application/vnd.ms-powerpoint": "presentation",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "presentation",
}
EXTENSIONS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("zip", "tar", "tgz", "tbz2", "tbz", "txz", "7z", "rar"), "archive"),
    **dict.fromkeys(("ods", "xls", "xlsx"), "spreadsheet"),
    **dict.fromkeys(("odt", "doc", "docx"), "document"),
    **dict.fromkeys(("odp", "ppt", "pptx"), "presentation"),
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp", "heic", "bmp", "tif", "tiff"), "image"),
    "pdf": "pdf",
}


def is_plain(query: Query) -> bool:
    """Whether the view is one mailbox in its order, with all messages or only unread ones. An index has exactly these
    messages.
    """
    in_order = query.threading == "off" and query.order == "received"
    return query.filter.mailbox_id >= 0 and is_whole(query) and in_order


def is_whole(query: Query) -> bool:
    """Whether the view has whole mailboxes, with all messages or only unread ones: one, or all inboxes."""
    f = query.filter
    searching = (
        INBOXES < f.mailbox_id < 0
        or f.mailbox_children_included
        or bool(f.words or f.from_ or f.to or f.subject or f.filenames or f.labels or f.headers or f.any_)
        or any(bound is not None for bound in (f.oldest, f.newest, f.size_min, f.size_max, f.attachments, f.writers))
    )
    return not searching and not _excludes(query.not_filter)


def _excludes(n: NotFilter) -> bool:
    return bool(n.words or n.from_ or n.to or n.subject or n.filenames or n.labels or n.attachments)


def is_by_flags(query: Query) -> bool:
    """Whether labels or flags decide if a message matches. The read state is not considered: otherwise an unread
    message would vanish while it is read.
    """
    return any(label.lower() != "\\seen" for label in (*query.filter.labels, *query.not_filter.labels))


def wanted_of(query: Query, mailboxes: Sequence[MailboxID]) -> MessageQuery:
    """The store's form of a query over these mailboxes."""
    f, n = query.filter, query.not_filter
    words: list[Term] = [Contains(fold(word)) for word in f.words]
    words += [Lacks(Contains(fold(word))) for word in n.words]
    words += [
        AnyOf(tuple(Contains(fold(word)) for word in alternatives.words))
        for alternatives in f.any_
        if alternatives.words
    ]
    tests, hints = _tests(f, n)
    return MessageQuery(
        tuple(mailboxes),
        q.And(tuple(_conditions(f, n))),
        term=AllOf(tuple(words)) if words else None,
        hint=AllOf(tuple(hints)) if hints else None,
        files=_files_hint(f),
        test=(lambda structure, header: all(test(structure, header) for test in tests)) if tests else None,
        reads_header=bool(f.headers) or f.writers is not None,
    )


def _conditions(f: Filter, n: NotFilter) -> list[q.Condition]:
    found: list[q.Condition] = [_label(label) for label in f.labels]
    found += [q.Not(_label(label)) for label in n.labels]
    if f.unread:
        found.append(_label("\\seen", held=False))
    if f.size_min is not None or f.size_max is not None:
        found.append(q.SizeBetween(f.size_min or 0, q.MAX_INT if f.size_max is None else f.size_max))
    if f.oldest is not None or f.newest is not None:
        since = -q.MAX_INT if f.oldest is None else _microseconds(f.oldest)
        found.append(q.ReceivedAt(since, q.MAX_INT if f.newest is None else _microseconds(f.newest)))
    return found


def _label(name: str, *, held: bool = True) -> q.Condition:
    flags, keywords = split_flags([name])
    if keywords:
        return q.HasKeyword(keywords[0])
    return q.WithFlags(having=flags) if held else q.WithFlags(lacking=flags)


def _microseconds(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1)


def _tests(f: Filter, n: NotFilter) -> tuple[list[Test], list[Term]]:
    """Tests of structures and headers, and hints: words that the header of each match contains."""
    tests: list[Test] = []
    hints: list[Term] = []

    def texts(needles: Sequence[str], read: Callable[[Structure], str], *, held: bool) -> None:
        for needle in map(fold, needles):
            tests.append(partial(_text_holds, read, needle, held))
            if held:
                # white space may be folded or doubled, and addresses have several spellings, but their words are in the
                # header
                hints.extend(in_addresses(needle))

    for side, held in ((f, True), (n, False)):
        texts(side.from_, _senders, held=held)
        texts(side.to, _recipients, held=held)
        texts(side.subject, _subject, held=held)
        tests.extend(partial(_text_holds, _filenames, fold(name), held) for name in side.filenames)
    for alternatives in f.any_:
        sides = (
            *((alternatives.from_, _senders), (alternatives.to, _recipients), (alternatives.subject, _subject)),
            (alternatives.filenames, _filenames),
        )
        needles = [(fold(needle), read) for side, read in sides for needle in side]
        if needles:
            tests.append(partial(_one_holds, tuple(partial(_text_holds, read, text, True) for text, read in needles)))
            known = [in_addresses(text) for text, _ in needles]
            # A hint must not leave out a match: an alternative without a word that the index knows, such as "@", can be
            # in any message, and the names of files are made, in part.
            if all(known) and not alternatives.filenames:
                hints.append(AnyOf(tuple(AllOf(tuple(words)) for words in known)))
    for header in f.headers:
        name, value = header.name.lower().encode(), fold(header.value)
        tests.append(partial(_field_holds, name, value))
        hints.append(Contains(header.name.lower(), SearchedPart.HEADER))
        hints.extend(in_header(header.name, address_words(value)))
    if f.attachments is not None:
        tests.append(_attached(f.attachments, held=True))
    if f.writers is not None:
        by_writers, fields = _by_writers(f.writers)
        tests.append(by_writers)
        hints.extend(fields)
    tests.extend(_attached(kind, held=False) for kind in n.attachments)
    return tests, hints


def _by_writers(writers: str) -> tuple[Test, list[Term]]:
    """The test of mail from people, or of newsletters, and its hints."""
    if writers == "people":
        return _is_written_by_people, []
    return _is_newsletter, [
        AnyOf(tuple(Contains(field, SearchedPart.HEADER) for field in ("list-id", "list-unsubscribe")))
    ]


def _files_hint(f: Filter) -> FileHint | None:
    """The files that each match has; the longest name rules out most."""
    beside = f.attachments not in (None, "none")
    name = fold(max(f.filenames, key=len, default=""))
    return FileHint(name, beside) if name or beside else None


def _senders(structure: Structure) -> str:
    return _written(structure.envelope.from_)


def _recipients(structure: Structure) -> str:
    envelope = structure.envelope
    return _written((*envelope.to, *envelope.cc, *envelope.bcc))


def _written(addresses: Sequence[MailAddress]) -> str:
    """Addresses in each spelling, one per line, so that no search text matches across two of them."""
    return "\n".join(
        [f"{one.name} <{spelling}>" for one in addresses for spelling in spellings(one.localpart, one.domain)]
    )


def _subject(structure: Structure) -> str:
    return structure.envelope.subject


def _filenames(structure: Structure) -> str:
    """The names of all files, also of pictures in the text, one per line."""
    return "\n".join([file.filename for file in attachments(structure.root)])


def _text_holds(read: Callable[[Structure], str], needle: str, held: bool, structure: Structure, _: bytes) -> bool:
    return (needle in fold(read(structure))) is held


def _one_holds(tests: Sequence[Test], structure: Structure, header: bytes) -> bool:
    return any(test(structure, header) for test in tests)


def _field_holds(name: bytes, value: str, structure: Structure, header: bytes) -> bool:
    return any(value in fold(text) for text in HeaderSection(header, hint=structure.root.hint).decoded(name))


def _attached(kind: Kind, *, held: bool) -> Test:
    def test(structure: Structure, _: bytes) -> bool:
        files = [file for file in attachments(structure.root) if not file.inside]
        if kind == "none":
            return (not files) is held
        if kind == "any":
            return bool(files) is held
        return any(kind_of(file.content_type, file.filename) == kind for file in files) is held

    return test


def _is_newsletter(structure: Structure, header: bytes) -> bool:
    return is_newsletter(HeaderSection(header, hint=structure.root.hint))


def _is_written_by_people(structure: Structure, header: bytes) -> bool:
    """Whether nothing says that a machine wrote the message."""
    machine = any(is_machine(author.localpart) for author in structure.envelope.from_)
    return not machine and automatic(HeaderSection(header, hint=structure.root.hint)) == ""


def kind_of(content_type: str, filename: str) -> Kind:
    """The kind of an attachment: by its type, else by the extension of its name, else ``any`` (WEBMAIL-39)."""
    if content_type.startswith("image/"):
        return "image"
    found = KINDS.get(content_type)
    if found is not None:
        return found
    stem, _, extension = filename.lower().rpartition(".")
    return "archive" if stem.endswith(".tar") else EXTENSIONS.get(extension, "any")
