"""Trust anchors: the keys of the root zone (https://data.iana.org/root-anchors/root-anchors.xml)."""

from collections.abc import Mapping
from typing import Final, TypeAlias

import dns.name
import dns.rdataset
import dns.rdatatype

Anchors: TypeAlias = Mapping[dns.name.Name, dns.rdataset.Rdataset]
"""DS records of keys that are trusted, by the name of their zone."""


def anchors_of(records: Mapping[str, tuple[str, ...]]) -> Anchors:
    """Trust anchors from the texts of DS records, by absolute name of the zone."""
    return {
        dns.name.from_text(name): dns.rdataset.from_text("IN", dns.rdatatype.DS, 0, *texts)
        for name, texts in records.items()
    }


ROOT: Final = anchors_of(
    {
        ".": (
            "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
            "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
        )
    }
)
"""The key-signing keys of 2017 and 2024."""
