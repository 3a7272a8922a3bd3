"""The HTML document of an app, with our bundle and the administrator's files inlined (WEB-30, 31, WEBMAIL-4, 7, 11)."""

import base64
import hashlib
import logging
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec
import trio

from moxlite.web.headers import SERVICE_HEADERS, page_policy
from moxlite.web.http.conditional import Representation, respond
from moxlite.web.http.encoding import choose, compress
from moxlite.web.http.errors import HTTPError
from moxlite.web.http.exchange import Request, ResponseWriter
from moxlite.web.http.languages import ENGLISH, chosen_language
from moxlite.web.http.pagetexts import PageLanguage

logger = logging.getLogger("moxlite.web.document")

STATIC: Final = Path(__file__).parent / "static"
GZIP_LEVEL: Final = 9  # once per build and per change of custom files
MAX_CUSTOM: Final = 1024 * 1024  # octets of the administrator's stylesheet or script; a larger file is a mistake
END_TAG: Final = re.compile(r"</(script|style)", re.IGNORECASE)
NOSCRIPT: Final = re.compile(r"(<noscript>)([^<]*)")
STYLE_MARK: Final = "/*style*/"
SCRIPT_MARK: Final = "/*script*/"

Stamp = tuple[tuple[int, int], ...]


class _Built(msgspec.Struct, frozen=True):
    stamp: Stamp
    plain: Representation
    gzip: Representation


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
            raise HTTPError(405, "This page can only be fetched.", (("allow", "GET, HEAD"),))
        try:
            language = chosen_language(request.headers, self._languages)
            built = self._built.get(language)
            # two stats of cached inodes: below the cost of a thread
            stamp = tuple(_stamp(path) for path in self._custom)
            if built is None or built.stamp != stamp:
                built = self._built[language] = await trio.to_thread.run_sync(self._build, stamp, language)
        except OSError as e:
            logger.error("custom file cannot be read", extra={"kv": {"file": e.filename, "err": e.strerror}})
            raise HTTPError(500, "A file that the administrator added cannot be read; the log names it.") from e
        item = built.gzip if choose(request.headers, ("gzip",)) else built.plain
        await writer.respond(respond(request.method, request.headers, item))

    def _build(self, stamp: Stamp, language: str) -> _Built:
        html, css, js = (zlib.decompress(packed).decode() for packed in self._packed)
        custom_css, custom_js = (_read(path) for path in self._custom)
        style = css + custom_css
        script = custom_js + js
        if language != ENGLISH:
            html = html.replace('<html lang="en">', f'<html lang="{language}">', 1)
            texts = f'<script src="./part/{self._languages[language]}"></script>\n'
            say = PageLanguage(language).say
            html = NOSCRIPT.sub(lambda found: found[1] + say(found[2]), html)
            html = html.replace("<script>" + SCRIPT_MARK, f"{texts}<script>{SCRIPT_MARK}", 1)
        body = html.replace(STYLE_MARK, style, 1).replace(SCRIPT_MARK, script, 1).encode()
        tag = build_tag(body.decode())
        modified = datetime.now(UTC)
        headers = (
            ("cache-control", "no-cache"),
            ("vary", "Accept-Encoding, Accept-Language, Cookie"),
            ("content-security-policy", page_policy((_hash(script),), (_hash(style),))),
            *SERVICE_HEADERS,
        )
        kind = "text/html; charset=utf-8"
        plain = Representation(body, kind, tag, modified, headers)
        squeezed = compress(body, "gzip", gzip_level=GZIP_LEVEL)
        gzip = Representation(squeezed, kind, f"{tag}-gzip", modified, (*headers, ("content-encoding", "gzip")))
        return _Built(stamp, plain, gzip)


@cache
def _ours(name: str) -> tuple[str, tuple[bytes, ...]]:
    """The tag of an app's files in the package, and the files: HTML, CSS and JavaScript. They are compressed by zlib to
    a tenth, because they are needed once or twice. They are read once per process.
    """
    ours = [(STATIC / f"{name}.{kind}").read_text("utf-8") for kind in ("html", "css", "js")]
    return build_tag(*ours), tuple(zlib.compress(text.encode()) for text in ours)


def part_tag(content: str) -> str:
    """A short hash of a part's content: 48 bits tell the builds of a part apart. The page contains the tags of all
    parts.
    """
    return build_tag(content)[:12]


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
        raise OSError(27, f"larger than {MAX_CUSTOM} octets", str(path))
    # an end tag in the file would end the element that contains it; in strings of both languages the backslash changes
    # nothing
    return END_TAG.sub(r"<\\/\1", content.decode("utf-8", "replace"))
