"""A bare IMAP client for measuring: sends a command, reads until its tagged line, parses nothing else."""

import math
import re
import socket
import ssl
import time

__all__ = ["IMAP", "corpus"]

LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


class IMAP:
    """One connection. Octets received are only counted and searched for the tagged line at the end of what has come."""

    def __init__(self, port: int, user: str, password: str, *, tls: bool = False) -> None:
        """Connect and log in."""
        sock = socket.create_connection(("127.0.0.1", port), timeout=120)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            sock = context.wrap_socket(sock)
        self.sock = sock
        self.number = 0
        self.until = math.inf  # when an answer is given up (monotonic)
        self._until(b"* OK")
        self.command(f'LOGIN "{user}" "{password}"'.encode())

    def _until(self, start: bytes) -> bytes:
        data = b""
        while not data.startswith(start) or not data.endswith(b"\r\n"):
            data += self._receive()
        return data

    def _receive(self) -> bytes:
        if time.monotonic() > self.until:
            raise TimeoutError("the answer takes too long")
        data = self.sock.recv(1 << 18)
        if not data:
            raise ConnectionError("server closed the connection")
        return data

    def command(self, line: bytes, *, keep: bool = True) -> bytes:
        """Send a command; its answer up to the tagged line (keep=False: only the last part). Raises on NO and BAD."""
        self.number += 1
        tag = b"T%d" % self.number
        self.sock.sendall(tag + b" " + line + b"\r\n")
        return self.answer(tag, keep=keep)

    def answer(self, tag: bytes, *, keep: bool = True) -> bytes:
        """Read until the tagged line."""
        parts: list[bytes] = []
        last = b""
        want = b"\r\n" + tag + b" "
        while True:
            data = self._receive()
            last = (last + data)[-4096:] if len(data) < 4096 else data
            if keep:
                parts.append(data)
            at = (b"\r\n" + last).rfind(want)
            if last.endswith(b"\r\n") and at >= 0 and b"\r\n" not in last[at + len(want) - 2 : -2]:
                final = (b"\r\n" + last)[at + len(want) :]
                if not final.startswith(b"OK"):
                    raise RuntimeError(final.decode(errors="replace").strip())
                return b"".join(parts) if keep else last

    def timed(self, line: bytes) -> float:
        """Seconds that a command takes, from sending to its tagged line."""
        began = time.perf_counter()
        self.command(line, keep=False)
        return time.perf_counter() - began

    def append(self, mailbox: bytes, messages: list[bytes]) -> None:
        """Pipelined APPENDs with non-synchronising literals."""
        tag = b""
        for message in messages:
            self.number += 1
            tag = b"T%d" % self.number
            self.sock.sendall(tag + b" APPEND " + mailbox + b" {%d+}\r\n" % len(message) + message + b"\r\n")
        self.answer(tag, keep=False)

    def multiappend(self, mailbox: bytes, messages: list[bytes]) -> None:
        """One APPEND of all (RFC 3502)."""
        self.command(b"APPEND " + mailbox + b"".join(b" {%d+}\r\n" % len(one) + one for one in messages), keep=False)

    def close(self) -> None:
        """Log out."""
        self.command(b"LOGOUT", keep=False)
        self.sock.close()


WORDS = [
    "mail",
    "server",
    "account",
    "message",
    "folder",
    "letter",
    "winter",
    "summer",
    "river",
    "mountain",
    "garden",
    "report",
    "meeting",
    "budget",
    "invoice",
    "travel",
    "ticket",
    "kitchen",
    "family",
    "school",
    "teacher",
    "doctor",
    "project",
    "review",
    "release",
    "update",
    "schedule",
    "holiday",
    "weekend",
    "coffee",
    "breakfast",
    "lunch",
    "dinner",
    "friend",
    "neighbour",
    "street",
    "village",
    "city",
    "country",
    "government",
    "history",
    "science",
    "music",
    "painting",
    "theatre",
]


def corpus(number: int, seed: int = 1) -> bytes:
    """A message of about 3 kB, one in ten multipart with an attachment of 20 kB; the same for the same number."""
    state = (number + 1) * 2654435761 + seed

    def words(count: int) -> str:
        nonlocal state
        picked = []
        for _ in range(count):
            state = (state * 6364136223846793005 + 1442695040888963407) & ((1 << 64) - 1)
            picked.append(WORDS[(state >> 33) % len(WORDS)])
        return " ".join(picked)

    text = "\r\n".join(words(11) for _ in range(30))
    head = (
        f"From: Sender {number} <sender{number % 97}@example.com>\r\n"
        f"To: Bench <bench@example.org>, second@example.net\r\nCc: third{number % 13}@example.net\r\n"
        f"Subject: {words(6)} {number}\r\n"
        f"Date: Thu, 01 Oct 2026 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02} +0000\r\n"
        f"Message-ID: <bench.{seed}.{number}@example.com>\r\n"
        f"In-Reply-To: <bench.{seed}.{number // 2}@example.com>\r\nMIME-Version: 1.0\r\n"
    )
    if number % 10:
        return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()
    attachment = "\r\n".join("QUJD" * 19 for _ in range(266))
    return (
        f'{head}Content-Type: multipart/mixed; boundary="b{number}"\r\n\r\n'
        f"--b{number}\r\nContent-Type: text/plain\r\n\r\n{text}\r\n"
        f'--b{number}\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="a.pdf"\r\n\r\n{attachment}\r\n--b{number}--\r\n'
    ).encode()
