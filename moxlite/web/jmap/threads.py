"""Threads, and snippets of what a search has found (RFC 8621 §3, §5)."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from moxlite.proto.mime.text import fold, part_text, visible_text
from moxlite.store.content.body import locate, read_content
from moxlite.store.errors import ChunkDamaged
from moxlite.store.mail.fetching import structure_of
from moxlite.store.rows.emails import emails, emails_of_threads
from moxlite.store.rows.history import Change, mail_state, thread_changes
from moxlite.store.rows.messages import in_step, packed_structure, structures
from moxlite.web.jmap.bodies import sorted_parts
from moxlite.web.jmap.emails import state
from moxlite.web.jmap.methods import read_id
from moxlite.web.jmap.protocol import MethodError, Object, invalid
from moxlite.web.jmap.standard import ObjectType, changes_of, changes_response, get_response, words_of

if TYPE_CHECKING:
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import MessageID
    from moxlite.web.jmap.accounts import Place
    from moxlite.web.jmap.methods import Call


MAX_SNIPPETS: Final = 100
"""Emails of one call: of each a text is read, decoded and searched."""

MAX_MARKED: Final = 20
"""Words that are marked: each is looked for at each character."""

READ: Final = 64 << 10
"""Octets of a text that a snippet is looked for in."""

AROUND: Final = 60
"""Characters that are shown before the first word that was found."""

LONGEST: Final = 255
"""Octets of a snippet (RFC 8621 §5)."""


TYPE: Final = ObjectType("Thread", "RFC 8621 §3", fixed=("id", "emailIds"))


async def get(call: Call) -> Object:
    """Thread/get."""
    ids, properties = call.ids(), call.properties(TYPE.properties)
    if ids is None:
        raise MethodError("requestTooLarge", "you can't get all threads at once; specify ids")

    def read(r: Reader) -> tuple[str, dict[int, list[int]]]:
        numbers = [read_id(one, "T") for one in ids]
        return state(r, call.place), emails_of_threads(r, numbers, call.place.readable(r))

    now, found = await call.account.scan(read, op="jmap threads")
    objects: list[Object] = []
    for one in ids:
        if members := found.get(read_id(one, "T")):
            whole = {"id": one, "emailIds": [f"M{number}" for number in members]}
            objects.append({name: whole[name] for name in properties})
    return get_response(call, now, objects, ids)


async def changes(call: Call) -> Object:
    """Thread/changes."""

    def read(r: Reader, since: int) -> list[Change]:
        return thread_changes(r, since, call.place.readable(r))

    return changes_response(call, await changes_of(call, read, partial(call.place.modseq, whole=mail_state), "T"))


async def snippets(call: Call) -> Object:
    """SearchSnippet/get."""
    ids = call.names("emailIds")
    if ids is None:
        raise invalid("emailIds is missing")
    if len(ids) > MAX_SNIPPETS:
        raise MethodError("requestTooLarge", f"you can get snippets for up to {MAX_SNIPPETS} emails in one call")
    words = [word for word in matching_terms(call, call.filter()) if len(word) <= LONGEST][:MAX_MARKED]
    wanted = [*dict.fromkeys(call.id_of(one) for one in ids)]
    found = await call.account.scan(partial(_snippets, ids=wanted, words=words, place=call.place), op="jmap snippets")
    present = {one["emailId"] for one in found}
    return {
        "accountId": call.place.id,
        "list": found,
        "notFound": [one for one in wanted if one not in present] or None,
    }


def _snippets(r: Reader, ids: Sequence[str], words: Sequence[str], place: Place) -> list[Object]:
    numbers = [read_id(one, "M") for one in ids]
    stored = emails(r, numbers, place.readable(r))
    present = [number for number in numbers if number in stored]
    message_ids = [stored[number].message_id for number in present]
    found: list[Object] = []
    for number, packed in zip(present, in_step(message_ids, structures(r, message_ids)), strict=True):
        if packed is not None:
            email, structure = stored[number], structure_of(packed)
            subject = marked(structure.envelope.subject, words)
            text = marked(_text(r, email.message_id), words) if words else None
            found.append({"emailId": f"M{number}", "subject": subject, "preview": text})
    return found


def _text(r: Reader, message_id: MessageID) -> str:
    """The first text of a message that a reader sees."""
    try:
        content = locate(r, message_id)
        structure = structure_of(packed_structure(r, message_id) or b"")
        pieces = sorted_parts(structure.root).text
        for piece in pieces:
            if piece.part.type == "TEXT":
                text = part_text(piece.part, lambda start, stop: read_content(r, content, start, stop - start), READ)
                return visible_text(text) if piece.part.subtype == "HTML" else text
    except ChunkDamaged:
        pass
    return ""


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def marked(text: str, words: Sequence[str]) -> str | None:
    """Excerpt of a text as HTML with marked words, or None if it has none of them."""
    if not words:
        return None
    pattern = re.compile("|".join(sorted({re.escape(word) for word in words}, key=len, reverse=True)), re.IGNORECASE)
    found = pattern.search(text)
    if found is None:  # what is folded otherwise, such as full-width letters
        folded = fold(text)
        if len(folded) != len(text) or (found := pattern.search(folded)) is None:
            return None
    start = max(0, found.start() - AROUND)
    piece = " ".join(text[start : start + LONGEST].split())
    shown, last, out = "", 0, []
    for match in pattern.finditer(piece):
        out += [
            html.escape(piece[last : match.start()], quote=False),
            "<mark>",
            html.escape(match[0], quote=False),
            "</mark>",
        ]
        last = match.end()
    out.append(_escaped(piece[last:]))
    for one in out:
        if len((shown + one).encode()) > LONGEST - len("</mark>"):
            break
        shown += one
    if shown.count("<mark>") > shown.count("</mark>"):
        shown += "</mark>"
    return shown


def matching_terms(call: Call, wish: object) -> list[str]:
    """The words of a filter that texts are searched for, for snippets (RFC 8621 §5)."""
    terms: list[str] = []
    match wish:
        case {"operator": "NOT"}:
            return []
        case {"conditions": list(conditions)}:
            for condition in conditions:
                terms += matching_terms(call, condition)
        case dict():
            for name in ("text", "subject", "body"):
                if isinstance(value := wish.get(name), str):
                    terms += words_of(fold(value))
    return terms
