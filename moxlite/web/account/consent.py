"""The page on which the owner of an address agrees to get forwarded mail, or refuses (WEB-158c, QUEUE-179).

It is for strangers: without a log-in, a session or scripts, apart from the apps. GET shows the question and changes
nothing, for programs that check mail open its links; POST answers, once. The secret in the path keeps out the forms of
other sites.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Final

from moxlite.admin.publicpages import CONSENT_PATH
from moxlite.net.limits import RateLimiter, Window
from moxlite.web.guards import account_pages
from moxlite.web.headers import SERVICE_HEADERS, page_policy
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import parse_fields
from moxlite.web.http.messages import Response
from moxlite.web.http.pagetexts import page_language
from moxlite.web.storeerrors import RETRY_AFTER
from moxlite.wording import ReaderLanguage, worded

if TYPE_CHECKING:
    from moxlite.admin.delivery.forwarding import Forwarding, Question
    from moxlite.lazyimport import Lazy
    from moxlite.net.limits import IPNetwork
    from moxlite.web.http.exchange import Request, ResponseWriter

MAX_FORM: Final = 1024
"""Octets of an answer; ours has 10."""

REQUESTS: Final = (Window(60, (30, 90, 270)), Window(3600, (200, 600, 1800)))
"""Requests per network over a minute and an hour. A person makes two; each may open the database of an account."""

STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 0 auto; padding: 2rem 1rem; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .75rem; }
button { font: inherit; min-height: 44px; padding: .4rem 1.2rem; }
"""
HASH: Final = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    ("vary", "Accept-Language, Cookie"),
    ("content-security-policy", page_policy((), (HASH,))),
    *SERVICE_HEADERS,
)
PAGE: Final = """\
<!doctype html>
<html {attributes}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
FORM: Final = """\
<p>{question}</p>
<form method="post">
<button name="answer" value="yes">{yes}</button>
<button name="answer" value="no">{no}</button>
</form>"""


class Consent:
    """Serves the page.

    Args:
      forwarding: holds the questions.
      exempt: networks whose requests are not limited.
    """

    def __init__(self, forwarding: Lazy[Forwarding], exempt: tuple[IPNetwork, ...]) -> None:
        self._forwarding = forwarding
        self._requests = RateLimiter(REQUESTS, exempt=exempt)

    async def handle(self, request: Request, writer: ResponseWriter) -> None:
        """Answer GET and HEAD with the question, POST with what was answered."""
        if request.method not in ("GET", "HEAD", "POST"):
            raise HTTPError(
                405, "Use GET to view this page and POST to submit its form.", (("allow", "GET, HEAD, POST"),)
            )
        if not self._requests.add(request.client):
            raise HTTPError(429, "Too many requests from your network. Try again in a minute.", (RETRY_AFTER,))
        code, language = request.path.removeprefix(CONSENT_PATH), page_language(request.headers)
        if request.method == "POST":
            body = await self._answer(code, await request.body.read(MAX_FORM), language)
        else:
            body = _form(await self._question(code), language)
        await writer.respond(_page(body, language))

    async def _question(self, code: str) -> Question:
        with account_pages():
            question = await (await self._forwarding.get()).question(code)
        if question is None:
            raise _gone()
        return question

    async def _answer(self, code: str, form: bytes, language: ReaderLanguage) -> str:
        # Neither word is no answer: a form that a program sends must not use the link up.
        agrees = {"yes": True, "no": False}.get(parse_fields(form.decode("ascii", "replace")).get("answer", ""))
        if agrees is None:
            raise HTTPError(400, "This request isn't valid.")
        with account_pages():
            answered = await (await self._forwarding.get()).answer(code, agree=agrees)
        if not answered:
            raise _gone()
        if agrees:
            said = language.say("Forwarding confirmed. To stop it later, ask the person who set it up.")
        else:
            said = language.say("Forwarding declined. You won't get any mail.")
        return f'<p role="status">{escape(said)}</p>'


def _gone() -> HTTPError:
    return HTTPError(410, "This link has been used or has expired. Ask the sender for a new one.")


def _form(found: Question, language: ReaderLanguage) -> str:
    question = worded("Forward mail from {own} to {target}?", own=found.own, target=found.target)
    return FORM.format(
        question=escape(language.say(question)),
        yes=escape(language.say("Confirm forwarding")),
        no=escape(language.say("No")),
    )


def _page(body: str, language: ReaderLanguage) -> Response:
    title = escape(language.say("Forwarded mail"))
    text = PAGE.format(attributes=language.attributes, title=title, style=STYLE, body=body)
    return Response(200, HEADERS, text.encode())
