"""Messages between the server and a process of the sandbox: frames, the base of all jobs, and the reply to one.

A frame is four octets of length, the most significant first, and that many octets of msgpack.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar

import msgspec

__all__ = ["LENGTH", "MAX_FRAME", "Job", "Ready", "Refused", "Reply"]

MAX_FRAME: Final = 16 << 20
"""Octets of a frame: 10 MiB of HTML with room for what makes it harmless."""

LENGTH: Final = 4
"""Octets of the length in front of a frame."""

A = TypeVar("A", bound=msgspec.Struct)


class Job(msgspec.Struct, Generic[A], frozen=True, tag=True):
    """Base of jobs. `ANSWER`: the type of the answer, against which the server checks the one that it is given."""

    ANSWER: ClassVar[Any]


class Ready(msgspec.Struct, frozen=True):
    """The first message of a process: it has confined itself. `files`: the number of descriptors that are open."""

    files: int


class Reply(msgspec.Struct, frozen=True):
    """The message that answers a job.

    Attributes:
      outcome: "refused": `text` says why, in a sentence for the reader; "failed": an error of the program, which `text`
        describes.
      answer: msgpack of the job's `ANSWER`, if it was done.
      last: the process ends itself; its memory has grown.
    """

    outcome: Literal["done", "refused", "failed"]
    text: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    answer: msgspec.Raw = msgspec.Raw(b"\xc0")
    last: bool = False


class Refused(Exception):
    """The job is not done for this mail; the text is a sentence for the reader."""
