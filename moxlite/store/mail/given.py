"""Addresses by which mail reaches an account without being configured: masked addresses (MASK-1), and addresses of
linked mailboxes that send (LINK-14).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec

from moxlite.proto.address import Address, AddressError
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.links import sending_links
from moxlite.store.mail.masked import masked_key, masked_named


class Given(msgspec.Struct, frozen=True):
    """Keys (`masked_key`) of addresses that the account gives away (`masked`), or that its sending links have."""

    masked: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()


NONE_GIVEN: Final = Given()


def given_among(r: Reader, keys: set[str]) -> Given:
    """Find the keys of masked addresses, and of sending links, among some addresses' keys."""
    if not keys:
        return NONE_GIVEN
    masked = frozenset(key for key in keys if masked_named(r, key))
    return Given(masked, frozenset(keys & sending_links(r).keys()) - masked)


def given_addresses(r: Reader, addresses: Iterable[str]) -> list[str]:
    """Find masked addresses, and addresses of sending links, among some addresses; as they are written there."""
    keys: dict[str, str] = {}
    for address in addresses:
        with suppress(AddressError):
            keys.setdefault(masked_key(Address.parse(address)), address)
    given = given_among(r, set(keys))
    return [address for key, address in keys.items() if key in given.masked or key in given.linked]
