"""Photos of contacts that are files beside a file of contacts, as in Google's Takeout: ``FOLDER/FOLDER.vcf`` with
``FOLDER/NAME.jpg`` for each contact that has one (STORE-194b). A photo belongs to the first contact of its name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.normal import normalized
from moxlite.proto.cards.cardobject import FileCard, read_card
from moxlite.proto.cards.photo import MAX_PHOTO, SUFFIXES, card_with_photo, photo_from, photo_of
from moxlite.store.errors import ImportFailed

if TYPE_CHECKING:
    from moxlite.store.imports.archives import Member

MAX_PHOTOS: Final = 10_000
"""Photos of an archive that are looked at: as many as an account has contacts; 1 KB of memory each."""

_UNSAFE: Final = re.compile(r"[\W_]+")


class ContactPhotos:
    """The photos of a .zip by folder and name. Reading one moves the position of its file."""

    def __init__(self) -> None:
        self._photos: dict[tuple[str, str], Member] = {}

    @property
    def left(self) -> int:
        """Number of photos that no contact has taken."""
        return len(self._photos)

    def add(self, member: Member) -> None:
        """Note a member if it may be a photo."""
        folder, name = folder_and_name(member.name)
        if member.kind == "file" and name.lower().endswith(SUFFIXES) and len(self._photos) < MAX_PHOTOS:
            self._photos.setdefault((folder, _key(name.rpartition(".")[0])), member)

    def keep_folders(self, folders: set[str]) -> None:
        """Forget photos in other folders than these, which have contacts."""
        self._photos = {place: member for place, member in self._photos.items() if place[0] in folders}

    def pictured(self, folder: str, card: FileCard) -> FileCard:
        """The card with its photo; one that has a photo, or for whose name there's none here, is unchanged."""
        member = self._photos.pop((folder, _key(card.contact.name)), None)
        if member is None or member.size > MAX_PHOTO:
            return card
        component = read_card(card.data).card
        try:
            photo = photo_from(b"".join(member.pieces))
        except ImportFailed:  # damaged: the contact is well
            photo = None
        if photo is None or photo_of(component) is not None:
            return card
        return msgspec.structs.replace(card, data=card_with_photo(component, photo))


def folder_and_name(path: str) -> tuple[str, str]:
    """The folder of a member, without the number that each file of an archive of mail is given, and its name."""
    parts = path.split("/")
    return "/".join(parts[1:-1] if parts[0].isdecimal() else parts[:-1]), parts[-1]


def _key(name: str) -> str:
    """A name as its file may have it: names of files lack some characters, and have others in their place."""
    return _UNSAFE.sub("_", normalized("NFC", name).casefold()).strip("_")
