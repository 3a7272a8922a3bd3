"""The file with the findings of the last nightly examination."""

from pathlib import Path
from typing import Final

import msgspec

from moxlite.admin.doctor.findings import Finding
from moxlite.decoders import from_json

STATE: Final = "doctor.json"
"""Name of the file, in the data directory."""


class Night(msgspec.Struct, frozen=True):
    """at: seconds UTC of an examination, 0 for never. findings: its errors and warnings."""

    at: float = 0.0
    findings: list[Finding] = []


def read_night(data: Path) -> Night:
    """The last examination; an empty one if there was none, or the file cannot be read. Blocks."""
    try:
        return from_json((data / STATE).read_bytes(), Night)
    except (OSError, msgspec.DecodeError):
        return Night()
