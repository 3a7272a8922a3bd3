"""Answers to the http-01 challenge, by which a CA validates that a name is ours (RFC 8555 §8.3; WEB-113)."""

from collections.abc import Callable
from typing import Final

from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter
from moxlite.web.http.messages import Response

CHALLENGE_PATH: Final = "/.well-known/acme-challenge/"


NOT_SNIFFED: Final = ("x-content-type-options", "nosniff")


class ChallengeAnswers:
    """Answers challenges of the certificate orders that are under way.

    Args:
      answer: to a host (A-labels) and a token; None for nothing.
    """

    def __init__(self, answer: Callable[[str, str], str | None]) -> None:
        self._answer = answer

    async def handle(self, request: Request, writer: ResponseWriter) -> None:
        """Answer GET and HEAD."""
        token = request.path.removeprefix(CHALLENGE_PATH)
        text = self._answer(request.host.name or "", token)
        if text is None or request.method not in ("GET", "HEAD"):
            raise HTTPError(404, "There is nothing at this address.")
        await writer.respond(Response(200, (("content-type", "application/octet-stream"), NOT_SNIFFED), text.encode()))
