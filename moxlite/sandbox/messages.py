"""Messages between the server and a process of the sandbox: frames, the base of all jobs, and the reply to one.

A frame is four octets of length, the most significant first, and that many octets of msgpack.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar

import msgspec

MAX_FRAME: Final = 16 << 20
"""Octets of a frame: 10 MiB of HTML, and space for the additions of the sanitizer."""

LENGTH: Final = 4
"""Octets of the length in front of a frame."""

A = TypeVar("A", bound=msgspec.Struct)


class Job(msgspec.Struct, Generic[A], frozen=True, tag=True):
    """Base class of jobs. `ANSWER`: type of the answer; the server checks each answer against it. `SECONDS`: its own
    deadline, if it is shorter than that of all.
    """

    ANSWER: ClassVar[Any]
    SECONDS: ClassVar[float] = math.inf


class Ready(msgspec.Struct, frozen=True):
    """The first message of a process.

    Attributes:
      unconfined: why it could not confine itself, and ends; "" if it has.
      landlock: the kernel refuses it files by Landlock.
      filtered: the kernel refuses system calls that no job needs.
    """

    unconfined: Annotated[str, msgspec.Meta(max_length=500)] = ""
    landlock: bool = False
    filtered: bool = False


class Reply(msgspec.Struct, frozen=True):
    """Reply of a process to a job.

    Attributes:
      outcome: "refused": `text` is a sentence for the reader; "failed": a program error, described by `text`;
        "denied": the job made the system call `text`, which it may not, and the process ends.
      answer: msgpack of the job's `ANSWER`, if the job was done.
      last: the process ends itself after this reply, since its memory has grown.
    """

    outcome: Literal["done", "refused", "failed", "denied"]
    text: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    answer: msgspec.Raw = msgspec.Raw(b"\xc0")
    last: bool = False


class Refused(Exception):
    """The job cannot be done for this mail. The text is a sentence for the reader."""
