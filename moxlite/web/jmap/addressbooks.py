"""Address books (RFC 9610 §2), the same as by CardDAV. Cards are in `contacts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from moxlite.web.jmap.collections import CollectionSet, CollectionType
from moxlite.web.jmap.protocol import Object
from moxlite.web.jmap.standard import run_set

if TYPE_CHECKING:
    from moxlite.web.jmap.methods import Call

BOOK: Final = "B"
BOOKS: Final = CollectionType(
    "AddressBook",
    "RFC 9610 §2",
    settable=("name", "description", "sortOrder", "isSubscribed", "shareWith"),
    fixed=("id", "isDefault", "myRights"),
    kind="contact",
    letter=BOOK,
    full="addressBookHasContents",
)
CAPABILITY: Final[Object] = {"maxAddressBooksPerCard": 1, "mayCreateAddressBook": True}


async def set_(call: Call) -> Object:
    """AddressBook/set."""
    return await run_set(call, CollectionSet(BOOKS, emptied=call.argument("onDestroyRemoveContents", bool, False)))
