"""A proxy that logs all that a browser asks for, and has one page itself: what a message loads is seen."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

__all__ = ["PAGE_URL", "LoggingProxy", "logging_proxy"]

PAGE_URL = "http://mail.example/message"
"""Where the page is."""

OWN = ("mozilla.org", "mozilla.com", "mozilla.net", "firefox.com", "googleapis.com", "gvt1.com", "google.com")
"""Hosts that browsers ask on their own account, whatever the page."""


class LoggingProxy(socketserver.ThreadingTCPServer):
    """Answers `PAGE_URL` with `html` under `policy`; all else is noted in `asked` and refused."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.html = ""
        self.policy = ""
        self.asked: list[str] = []

    @property
    def port(self) -> int:
        """Where it listens on loopback."""
        return int(self.server_address[1])

    def note(self, target: str) -> None:
        """A browser has asked for this: an address, or host and port."""
        host = target.split("//", 1)[-1].split("/", 1)[0].split(":", 1)[0]
        # what has no host of its own is of the page's: the app's server answers 404
        if host != "mail.example" and not host.endswith(OWN):
            self.asked.append(target)


class Asked(BaseHTTPRequestHandler):
    """One connection of a browser."""

    server: LoggingProxy

    def do_GET(self) -> None:
        """A page in clear."""
        if self.path != PAGE_URL:
            self.server.note(self.path)
            self.send_error(404)
            return
        body = self.server.html.encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        if self.server.policy:
            self.send_header("content-security-policy", self.server.policy)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """What a form or a beacon sends."""
        self.do_GET()

    def do_CONNECT(self) -> None:
        """A connection of TLS, of which the host is seen."""
        self.server.note(self.path)
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the base class
        """Nothing: what was asked is in `asked`."""


@contextmanager
def logging_proxy() -> Iterator[LoggingProxy]:
    """A running one."""
    with LoggingProxy() as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
