"""How a child process begins: confined, or not at all."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import msgspec

from moxlite.encoding import to_msgpack
from moxlite.sandbox.channel import MAX_TEXT, send
from moxlite.sandbox.confine import NotConfined, confine
from moxlite.sandbox.messages import Ready


def begin(channel: socket.socket, denied: Callable[[str], msgspec.Struct], memory: int) -> None:
    """Confine this process, and send `Ready`. A process that is not confined says so, and ends without a job.

    denied: the reply when the filter has refused a system call, whose name it is given.
    """
    try:
        landlock, filtered = confine(lambda call: send(channel, to_msgpack(denied(call))), memory)
    except (NotConfined, OSError) as error:
        send(channel, to_msgpack(Ready(str(error)[:MAX_TEXT])))
        os._exit(1)
    send(channel, to_msgpack(Ready("", landlock, filtered)))
