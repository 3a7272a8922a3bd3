"""A network between a browser and a server that does one bad thing to a request, as real ones do."""

import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

__all__ = ["BadNetwork", "Fault"]

PAGE: Final = b"<html><title>Free Wi-Fi</title><h1>Log in to the network</h1></html>"
"""What a network answers in which nobody has logged in, or a proxy whose server is away."""

CUT: Final = 20
"""Octets of an answer that come before it breaks off."""

PIECE: Final = 16 * 1024
"""Octets that pass at once."""

LONGEST: Final = 64 * 1024
"""Octets of the header of a request."""


class Fault(StrEnum):
    """What becomes of a request. Of these, LOST, TRUNCATED and UNANSWERED get to the server."""

    REFUSED = "connection refused"
    RESET = "reset before"
    LOST = "answer lost"
    GATEWAY = "502"
    PAGE = "page with 200"
    REDIRECT = "redirect"
    TRUNCATED = "truncated"
    UNHEARD = "hang before"
    UNANSWERED = "hang after"


ANSWERS: Final = {
    Fault.GATEWAY: b"502 Bad Gateway\r\ncontent-type: text/html",
    Fault.PAGE: b"200 OK\r\ncontent-type: text/html",
    Fault.REDIRECT: b"302 Found\r\nlocation: http://localhost:9/login",
}


@dataclass
class Rule:
    """Requests whose first line matches have the fault, the next `times` of them. `hit`: how many had it."""

    line: re.Pattern[bytes]
    fault: Fault
    times: int
    hit: int = 0


class BadNetwork:
    """Passes requests on to a server, each by a connection of its own. `delay`: seconds until octets begin to pass;
    `rate`: octets in a second of each connection, each way; `off`: connections are reset; `silent`: no octet passes.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay = 0.0
        self.rate = 0
        self.off = False
        self.silent = False
        self._rule: Rule | None = None
        self._working = 0
        self._held = 0
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def working(self) -> bool:
        """Whether a request that matches the rule is at the server."""
        return self._working > 0

    @property
    def held(self) -> int:
        """How many requests the network leaves without an answer until the browser gives up."""
        return self._held

    def close(self) -> None:
        """Refuse connections from now on, and break those that there are."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # ends `accept`
        self._listener.close()
        self._thread.join()
        self.cut()

    def cut(self) -> None:
        """Break all connections."""
        with self._lock:
            ends = [*self._ends]
        for end in ends:
            reset(end)

    def open(self) -> None:
        """Take connections again, at the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    @contextmanager
    def bad(self, line: str, fault: Fault, times: int) -> Iterator[Rule]:
        """Within the block, the next `times` requests with such a first line have the fault. `working` is about all."""
        self._rule = Rule(re.compile(line.encode()), fault, times)
        if fault is Fault.REFUSED:
            self.close()
        try:
            yield self._rule
        finally:
            self.heal()
            self._rule = None

    def heal(self) -> None:
        """No fault any more."""
        rule = self._rule
        assert rule is not None
        if rule.fault is Fault.REFUSED and rule.times:
            self.open()
        rule.times = 0

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self._ends.add(client)
            try:
                self._request(client)
            finally:
                self._ends.discard(client)

    def _request(self, client: socket.socket) -> None:
        head, begun = read_head(client)
        if not head:
            return
        self._pause()
        if self.off:
            reset(client)
            return
        found = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
        rule, fault = self._rule, None
        matches = rule is not None and rule.line.match(head) is not None
        if rule is not None and matches:
            with self._lock:
                if rule.times > 0 and rule.fault is not Fault.REFUSED:
                    rule.times, rule.hit, fault = rule.times - 1, rule.hit + 1, rule.fault
        whole = begun + read(client, int(found[1]) - len(begun)) if found else begun
        if fault is Fault.RESET:
            reset(client)
        elif fault in ANSWERS:
            head = b"HTTP/1.1 %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (ANSWERS[fault], len(PAGE))
            client.sendall(head + PAGE)
        elif fault is Fault.UNHEARD:
            self._hold(client)
        elif fault is not None:
            with self._at_work(), socket.create_connection(("127.0.0.1", self.target), timeout=60) as server:
                server.sendall(alone(head) + whole)
                answer = read(server)
            if fault is Fault.LOST:
                reset(client)
            elif fault is Fault.TRUNCATED:
                client.sendall(answer[: answer.index(b"\r\n\r\n") + CUT])
            else:
                self._hold(client)
        else:
            self._pass(client, head, whole, noted=matches)

    def _hold(self, client: socket.socket) -> None:
        """Wait until the browser gives up."""
        with self._lock:
            self._held += 1
        try:
            client.recv(1)
        finally:
            with self._lock:
                self._held -= 1

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with self._lock:
            self._working += 1
        try:
            yield
        finally:
            with self._lock:
                self._working -= 1

    def _pass(self, client: socket.socket, head: bytes, whole: bytes, *, noted: bool) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
        except OSError:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        server.settimeout(None)
        with server:
            upgrade = b"\r\nupgrade: websocket" in head.lower()
            server.sendall((head if upgrade else alone(head)) + whole)
            there = threading.Thread(target=self._copy, args=(client, server), daemon=True)
            there.start()
            if noted:
                with self._at_work():
                    self._copy(server, client)
            else:
                self._copy(server, client)
            there.join()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        """Pass octets on until one side ends; then neither goes on."""
        with suppress(OSError):
            while octets := source.recv(PIECE):
                self._pause(len(octets))
                target.sendall(octets)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _pause(self, octets: int = 0) -> None:
        time.sleep(self.delay + (octets / self.rate if self.rate else 0.0))
        while self.silent:
            time.sleep(0.05)


def read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """The header of a request, and what came with it; empty ones if the client left."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        piece = client.recv(65_536)
        if not piece or len(octets) > LONGEST:
            return b"", b""
        octets += piece
    head, _, begun = octets.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", begun


def read(source: socket.socket, count: int | None = None) -> bytes:
    """So many octets, or all until the end."""
    octets = b""
    while count is None or len(octets) < count:
        piece = source.recv(65_536)
        if not piece:
            break
        octets += piece
    return octets


def alone(head: bytes) -> bytes:
    """The header of a request after whose answer the connection ends."""
    head = re.sub(rb"\r\nconnection: [^\r]*", b"", head, flags=re.IGNORECASE)
    return head.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)


def reset(end: socket.socket) -> None:
    """Break a connection without a farewell."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RD)
    with suppress(OSError):
        end.close()
