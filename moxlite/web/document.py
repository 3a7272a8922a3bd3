"""The HTML document of an app, with our bundle and the administrator's files inlined (WEB-30, WEB-31, WEBMAIL-4), and
the files beside it: lazy parts of the script (WEBMAIL-5), and those that are served as they are (WEB-26).
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec
import trio

from moxlite.processor import off_loop
from moxlite.web.headers import SERVICE_HEADERS, page_policy
from moxlite.web.http.conditional import Representation, respond
from moxlite.web.http.encoding import choose, compress
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter
from moxlite.web.http.pagetexts import chosen_language
from moxlite.wording import ENGLISH, ReaderLanguage

logger = logging.getLogger("moxlite.web.document")

STATIC: Final = Path(__file__).parent / "static"
MAX_CUSTOM: Final = 1024 * 1024  # octets of the administrator's stylesheet or script; a larger file is a mistake
END_TAG: Final = re.compile(r"</(script|style)", re.IGNORECASE)
NOSCRIPT: Final = re.compile(r"(<noscript>)([^<]*)")
STYLE_MARK: Final = "/*style*/"
SCRIPT_MARK: Final = "/*script*/"

Stamp = tuple[tuple[int, int], ...]


class EncodedFile:
    """A file in the codings that clients have asked for. Each is made once, in a thread: the best takes 0.1 s of a
    document.
    """

    def __init__(self, plain: Representation) -> None:
        """`plain` varies by Accept-Encoding."""
        self._by_coding: dict[str | None, Representation] = {None: plain}

    async def respond(self, request: Request, writer: ResponseWriter) -> None:
        """Answer GET and HEAD."""
        coding = choose(request.headers)
        representation = self._by_coding.get(coding)
        if representation is None:
            assert coding is not None
            # Two requests may do this at once. Both get the same octets, so there is no lock.
            representation = self._by_coding[coding] = await off_loop(partial(self._encode, coding), kind="compress")
        await writer.respond(respond(request.method, request.headers, representation))

    def _encode(self, coding: str) -> Representation:
        plain = self._by_coding[None]
        headers = (*plain.headers, ("content-encoding", coding))
        body = compress(plain.body, coding, best=True)
        return msgspec.structs.replace(plain, body=body, etag=f"{plain.etag}-{coding}", headers=headers)


class _Built(msgspec.Struct, frozen=True):
    stamp: Stamp
    document: EncodedFile


class Document:
    """Serves ``NAME.html`` with ``NAME.css`` and ``NAME.js``, and ``webNAME.{css,js}`` of the configuration directory,
    inlined. Before ours, a page in another language than English loads its texts: `languages` has their files below
    ``part/``.

    Custom style follows ours, custom script precedes ours. A changed file takes effect with the next request.
    """

    def __init__(
        self, name: str, config_dir: Path, custom_name: str, languages: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.tag, self._packed = _ours(name)
        self._languages = languages
        self._custom = (config_dir / f"{custom_name}.css", config_dir / f"{custom_name}.js")
        self._built: dict[str, _Built] = {}

    async def handle(self, request: Request, writer: ResponseWriter) -> None:
        """Answer GET and HEAD with the document."""
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "Use GET to view this page.", (("allow", "GET, HEAD"),))
        try:
            language = chosen_language(request.headers, self._languages)
            built = self._built.get(language)
            # two stats of cached inodes: below the cost of a thread
            # Taken before the files are read: a change during the read is seen as one by the next request.
            stamp = tuple(_stamp(path) for path in self._custom)
            if built is None or built.stamp != stamp:
                built = self._built[language] = await trio.to_thread.run_sync(self._build, stamp, language)
        except OSError as e:
            logger.error("failed to read custom file", extra={"kv": {"file": e.filename, "err": e.strerror}})
            raise HTTPError(500, "Couldn't read a custom file. For details, see the server log.") from e
        await built.document.respond(request, writer)

    def _build(self, stamp: Stamp, language: str) -> _Built:
        html, css, js = (zlib.decompress(packed).decode() for packed in self._packed)
        custom_css, custom_js = (_read(path) for path in self._custom)
        style = css + custom_css
        # What an editor leaves without a line end, or with a comment at its end, must not run into ours.
        script = f"{custom_js}\n{js}" if custom_js else js
        if language != ENGLISH:
            page = ReaderLanguage(language)
            html = html.replace('<html lang="en">', f"<html {page.attributes}>", 1)
            texts = f'<script src="./part/{self._languages[language]}"></script>\n'
            html = NOSCRIPT.sub(lambda match: match[1] + page.say(match[2]), html)
            html = html.replace("<script>" + SCRIPT_MARK, f"{texts}<script>{SCRIPT_MARK}", 1)
        body = html.replace(STYLE_MARK, style, 1).replace(SCRIPT_MARK, script, 1).encode()
        # Of the whole, so that a page in another language has another tag. The service worker keeps the page if its
        # content has the hash in the tag (WEBMAIL-120).
        tag = build_tag(body.decode())
        modified = datetime.now(UTC)
        headers = (
            ("cache-control", "no-cache"),
            ("vary", "Accept-Encoding, Accept-Language, Cookie"),
            ("content-security-policy", page_policy((_hash(script),), (_hash(style),))),
            *SERVICE_HEADERS,
        )
        kind = "text/html; charset=utf-8"
        return _Built(stamp, EncodedFile(Representation(body, kind, tag, modified, headers)))


@cache
def _ours(name: str) -> tuple[str, tuple[bytes, ...]]:
    """The tag of an app's files in the package, and the files: HTML, CSS and JavaScript. They are compressed by zlib to
    a tenth, because they are needed once or twice. They are read once per process.
    """
    ours = [(STATIC / f"{name}.{kind}").read_text("utf-8") for kind in ("html", "css", "js")]
    return build_tag(*ours), tuple(zlib.compress(text.encode()) for text in ours)


def part_tag(content: str) -> str:
    """A short hash of a part's content: 32 bits tell the builds of a part apart. The page contains the tags of all
    parts.
    """
    return build_tag(content)[:8]


def build_tag(*parts: str) -> str:
    """A short hash of the content: the version of a build, and a strong entity tag."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def _hash(text: str) -> str:
    """A source expression of Content-Security-Policy for this inline element (CSP 3 §2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, -1)
    return (status.st_mtime_ns, status.st_size)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CUSTOM + 1)
    except FileNotFoundError:
        return ""
    if len(content) > MAX_CUSTOM:
        raise OSError(27, f"larger than {MAX_CUSTOM} bytes", str(path))
    # an end tag in the file would end the element that contains it; in strings of both languages the backslash changes
    # nothing
    return END_TAG.sub(r"<\\/\1", content.decode("utf-8", "replace"))


# Files that are served as they are: the icon that browsers request from every host (WEB-26), the licences (WEB-32),
# and the files by which a browser installs the webmail (WEBMAIL-120, WEBMAIL-122).


LICENSES = "licenses.txt"
"""Name below the path of each app."""

DAY = (("cache-control", "max-age=86400"),)  # they change with a release at most
WORKER = (
    ("cache-control", "no-cache"),  # a new version is used at once
    ("content-security-policy", "default-src 'none'; connect-src 'self'"),  # of what the worker itself asks for
    ("service-worker-allowed", "/"),  # the settings are beside the webmail's path, or above it
)

OFFLINE: Final = "offline"
"""Capability in the first event of a stream: the service worker may keep the page and mail (WEBMAIL-120)."""
WITHOUT: Final = b"self.withoutOffline = true;\n"
"""First lines of the worker where the administrator does not want mail to be kept on devices."""

INSTALLED: Final[Mapping[str, tuple[str, str, tuple[tuple[str, str], ...]]]] = {
    "sw.js": ("webmail.worker.js", "text/javascript; charset=utf-8", WORKER),
    "manifest.webmanifest": ("webmail.manifest.webmanifest", "application/manifest+json", DAY),
    "icon.svg": ("webmail.icon.svg", "image/svg+xml", DAY),
    "icon-192.png": ("webmail.icon-192.png", "image/png", DAY),
    "icon-512.png": ("webmail.icon-512.png", "image/png", DAY),
}
"""Names below the path of the webmail: file, content type and header fields."""


async def favicon(request: Request, writer: ResponseWriter) -> None:
    """Answer GET and HEAD with ``static/favicon.ico``."""
    await _send(request, writer, "favicon.ico", "image/vnd.microsoft.icon")


async def licenses(request: Request, writer: ResponseWriter) -> None:
    """Answer GET and HEAD with ``static/licenses.txt``."""
    await _send(request, writer, LICENSES, "text/plain; charset=utf-8")


async def installed(name: str, request: Request, writer: ResponseWriter, *, offline: bool) -> None:
    """Answer GET and HEAD with one of the files in `INSTALLED`. Without `offline` the worker keeps nothing in the
    browser, and removes what it kept.
    """
    prefix = WITHOUT if name == "sw.js" and not offline else b""
    await _send(request, writer, *INSTALLED[name], prefix)


async def _send(
    request: Request,
    writer: ResponseWriter,
    name: str,
    kind: str,
    fields: tuple[tuple[str, str], ...] = DAY,
    prefix: bytes = b"",
) -> None:
    if request.method not in ("GET", "HEAD"):
        raise HTTPError(405, "Use GET to view this.", (("allow", "GET, HEAD"),))
    await writer.respond(respond(request.method, request.headers, _read_asset(name, kind, fields, prefix)))


@cache
def _read_asset(name: str, kind: str, fields: tuple[tuple[str, str], ...], prefix: bytes) -> Representation:
    """A file of the package: a few kB, read once per process."""
    content = prefix + (STATIC / name).read_bytes()
    tag = hashlib.sha256(content).hexdigest()[:20]
    return Representation(content, kind, tag, datetime.now(UTC), (*fields, *SERVICE_HEADERS))


# The lazy parts of an app's script: files that the page fetches once, when it needs them (WEBMAIL-5).
#
# ``static/APP-NAME.js`` is served as ``part/NAME.TAG.js``. The tag is a hash of the content, so the answer for a URL
# never changes. The page contains the tags of the parts that it was built with.

LANGUAGE: Final = "lang-"  # what the names of these parts begin with
IMMUTABLE: Final = "public, max-age=31536000, immutable"  # a year, RFC 8246


class Bundles:
    """The parts of one app, by the names that its page uses."""

    def __init__(self, app: str) -> None:
        self._parts = _parts(app)

    @property
    def languages(self) -> Mapping[str, str]:
        """The names of the parts with the texts in other languages, by language (WEBMAIL-143)."""
        return {
            name.removeprefix(LANGUAGE).partition(".")[0]: name for name in self._parts if name.startswith(LANGUAGE)
        }

    async def handle(self, name: str, request: Request, writer: ResponseWriter) -> None:
        """Answer GET and HEAD with the part of this name, tag included. Raises HTTPError 404 for a part of another
        build.
        """
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "Use GET to load this part.", (("allow", "GET, HEAD"),))
        found = self._parts.get(name)
        if found is None:
            raise HTTPError(404, "This page is outdated. Reload it to get the new version.")
        await found.respond(request, writer)


@cache
def _parts(app: str) -> Mapping[str, EncodedFile]:
    """The parts in the package by name and tag. They are read once per process."""
    parts: dict[str, EncodedFile] = {}
    modified = datetime.now(UTC)
    headers = (("cache-control", IMMUTABLE), ("vary", "Accept-Encoding"), *SERVICE_HEADERS)
    for path in sorted(STATIC.glob(f"{app}-*.js")):
        content = path.read_bytes()
        tag = part_tag(content.decode())
        name = f"{path.stem.removeprefix(f'{app}-')}.{tag}.js"
        parts[name] = EncodedFile(Representation(content, "text/javascript; charset=utf-8", tag, modified, headers))
    return parts
