"""Mail that no person wrote, by its header and by its sender's address (RFC 3834 §2, RFC 5230 §4.6).

Mail of mailing lists and newsletters is a part of it, by the fields of RFC 2369 and RFC 2919. What is done with such
mail doesn't belong here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from moxlite.proto.mime.headers import HeaderSection

NO_PERSON: Final = frozenset(
    {"mailer-daemon", "postmaster", "noreply", "no-reply", "do-not-reply", "listserv", "majordomo"}
)
"""Localparts of machines."""


def automatic(section: HeaderSection) -> str:
    """Why the header forbids an answer, "" if it does not."""
    submitted = (section.text(b"auto-submitted") or b"").partition(b";")[0].strip().lower()
    if submitted not in {b"", b"no"}:
        return "auto-submitted"
    if any(name.startswith(b"list-") for name in section.names) or section.count(b"mailing-list"):
        return "list"
    if (section.text(b"precedence") or b"").strip().lower() in {b"bulk", b"list", b"junk"}:
        return "bulk"
    if (section.text(b"x-auto-response-suppress") or b"").strip().lower() not in {b"", b"none"}:
        return "bulk"
    if section.count(b"feedback-id"):
        return "bulk"
    return ""


def is_newsletter(section: HeaderSection) -> bool:
    """Whether a list or newsletter sent the message: it has an id (RFC 2919), or can be left (RFC 2369 §3.2)."""
    return bool(section.count(b"list-id") or section.count(b"list-unsubscribe"))


def is_machine(localpart: str) -> bool:
    """Whether no person has an address with that localpart."""
    name = localpart.lower()
    return (
        name in NO_PERSON
        or name.startswith(("owner-", "bounce", "srs0", "srs1"))
        or name.endswith(("-request", "-owner", "-bounces"))
        or "-bounces+" in name
    )
