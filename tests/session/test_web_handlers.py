"""The web server of domains.toml: files, redirects, apps at other places, and which of them answers."""

import gzip
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
import zstandard

from moxlite.web.handlers import files
from moxlite.web.handlers.rules import host_and_port
from moxlite.web.handlers.static import KEPT_OCTETS, KEPT_SECONDS, FileCache, StaticFile
from moxlite.web.http.conditional import Validators
from tests.web_rig import DOMAINS, STATIC, Answer, Rig, http_exchange, open_rig

pytestmark = pytest.mark.served

WEBSERVER = (
    STATIC
    + """
webserver_http = { enabled = true, port = 81 }
[listeners.web]
ips = ["127.0.0.2"]
tls.key_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]
webserver_http = { enabled = true, port = 80 }
webserver_https = { enabled = true, port = 443 }
webmail_http = { enabled = true, port = 80 }
[listeners.high]
ips = ["127.0.0.1"]
tls.key_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]
webserver_http = { enabled = true, port = 1080 }
webserver_https = { enabled = true, port = 1443 }
metrics_http = { enabled = true, port = 1080 }
[listeners.apps]
ips = ["127.0.0.3"]
tls.key_certs = [{ cert_file = "cert.pem", key_file = "key.pem" }]
autoconfig_https.enabled = true
mtasts_https.enabled = true
webserver_http = { enabled = true, forwarded = true }
webserver_https.enabled = true
account_https.enabled = true
webmail_https.enabled = true
"""
)
PLAIN = "dont_redirect_plain_http = true\n"
Opening = Callable[[str], Awaitable[Rig]]


def handler(kind: str, *, path: str = "^/", domain: str = "www.example.org", more: str = PLAIN) -> str:
    return f"[[web_handlers]]\ndomain = \"{domain}\"\npath_regexp = '{path}'\n{more}{kind}\n"


def static(root: Path, fields: str = "", **given: str) -> str:
    return handler(f'static = {{ root = "{root}"{fields} }}', **given)


@pytest.fixture
def www(tmp_path: Path) -> Path:
    """A directory to serve, with a secret beside it."""
    root = tmp_path / "www"
    (root / "sub").mkdir(parents=True)
    (root / "hello.txt").write_text("hello world\n")
    (root / "sub" / "index.html").write_text("<h1>sub</h1>")
    (root / "empty").mkdir()
    (tmp_path / "secret").write_text("secret")
    return root


@pytest.fixture
async def opening(tmp_path: Path) -> AsyncIterator[Opening]:
    """Opens the room with these handlers."""
    async with trio.open_nursery() as nursery:
        rigs: list[Rig] = []

        async def serve(domains: str) -> Rig:
            rigs.append(await open_rig(tmp_path / "room", nursery, static=WEBSERVER, domains=DOMAINS + domains))
            return rigs[0]

        yield serve
        nursery.cancel_scope.cancel()


async def get(
    rig: Rig,
    path: str,
    *,
    host: str = "www.example.org",
    ip: str = "127.0.0.2",
    port: int = 80,
    tls: bool = False,
    remote: str = "192.0.2.7",
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> Answer:
    browser = rig.browser(ip=ip, port=port, tls=tls, remote=remote)
    browser.host = host
    return await browser.fetch(path, method=method, headers=headers, body=body)


# Files


async def test_a_file_is_served_with_validators_and_its_type(opening: Opening, www: Path) -> None:
    """WEB-37, WEB-9."""
    rig = await opening(static(www))
    answer = await get(rig, "/hello.txt?x=y")
    assert (answer.status, answer.body) == (200, b"hello world\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = await get(rig, "/hello.txt", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    since = {"if-modified-since": answer.headers["last-modified"]}
    assert (await get(rig, "/hello.txt", headers=since)).status == 304
    for beyond in ("Mon, 16 Nov 99999999999999999999 13:32:02 GMT", "Mon, 16 Nov 2009 13:32:02 +99999999999999999999"):
        for name in ("if-modified-since", "if-unmodified-since", "if-range"):
            assert (await get(rig, "/hello.txt", headers={name: beyond, "range": "bytes=0-1"})).status in (200, 206)
    for tag, status in ((answer.headers["etag"], 200), (f"W/{answer.headers['etag']}", 412)):
        assert (await get(rig, "/hello.txt", headers={"if-match": tag})).status == status
    head = await get(rig, "/hello.txt", method="HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, "12", b"")


async def test_a_changed_file_is_sent_after_a_second_at_most(opening: Opening, www: Path) -> None:
    """WEB-40a: meanwhile a small file is sent from memory, plain, compressed, and as the index of a folder; what is
    missing is looked up each time.
    """
    (www / "text.txt").write_text("text " * 1000)
    os.utime(www / "text.txt", (1e9, 1e9))
    rig = await opening(static(www, more=PLAIN + "compress = true\n"))
    asked: list[tuple[str, dict[str, str]]]
    asked = [("/hello.txt", {}), ("/sub/", {}), ("/text.txt", {"accept-encoding": "gzip"})]
    assert (await get(rig, "/new.txt")).status == 404
    (www / "new.txt").write_text("new")
    assert (await get(rig, "/new.txt")).body == b"new"
    before = [(await get(rig, path, headers=headers)).headers["etag"] for path, headers in asked]
    assert [(await get(rig, path, headers=headers)).headers["etag"] for path, headers in asked] == before
    for name in ("hello.txt", "sub/index.html", "text.txt"):
        (www / name).write_text("another " * 1000)
    began = trio.current_time()
    for (path, headers), tag in zip(asked, before, strict=True):
        while (answer := await get(rig, path, headers=headers)).headers["etag"] == tag:
            assert trio.current_time() - began < 10
            await trio.sleep(0.05)
        body = gzip.decompress(answer.body) if headers else answer.body
        assert body == b"another " * 1000


async def test_a_file_in_memory_is_sent_as_each_rule_says(opening: Opening, www: Path) -> None:
    """WEB-40a, WEB-40: rules of the same folder with fields and types of their own."""
    fields = ', strip_prefix = "/{at}/", response_headers = {{ X-At = "{at}", Content-Type = "text/{at}" }}'
    rig = await opening("".join(static(www, fields.format(at=at), path=f"^/{at}/") for at in ("one", "two")))
    for at in ("one", "two", "one", "two"):
        answer = await get(rig, f"/{at}/hello.txt")
        assert (answer.body, answer.headers["x-at"], answer.headers["content-type"]) == (
            b"hello world\n",
            at,
            f"text/{at}",
        )


def test_files_in_memory_are_bounded() -> None:
    """WEB-40a: 8 MiB, the least recently used ones go first; after a second none is taken."""
    keeping = FileCache()
    file = files.File(None, 65_000, 1, 1, 1, bytes(65_000))
    facts = Validators(65_000, "text/plain", "1", datetime(2026, 11, 29, tzinfo=UTC))
    found = StaticFile(file, file, "/x", "text/plain", None, facts)
    now = time.monotonic()
    for number in range(1000):
        keeping.keep((f"{number}",), found, now + 1000)
    assert keeping.find(("999",)) is None
    now = time.monotonic()
    for number in range(300):
        keeping.keep((f"{number}",), found, now)
        assert keeping.find(("0",)) is found
    here = [number for number in range(300) if keeping.find((f"{number}",)) is not None]
    assert here == [0, *range(301 - len(here), 300)]
    assert 100 < len(here) <= KEPT_OCTETS // 65_000
    keeping.keep(("old",), found, now - KEPT_SECONDS)
    assert keeping.find(("old",)) is None


@pytest.mark.parametrize("size", [12, 700_000])
async def test_parts_of_a_file_can_be_asked_for(opening: Opening, www: Path, size: int) -> None:
    """WEB-9: small files that are read at once, large ones that are streamed."""
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    (www / "data").write_bytes(content)
    rig = await opening(static(www))
    part = await get(rig, "/data", headers={"range": "bytes=3-9"})
    assert (part.status, part.body) == (206, content[3:10])
    assert part.headers["content-range"] == f"bytes 3-9/{size}"
    assert (await get(rig, "/data", headers={"range": "bytes=-5"})).body == content[-5:]
    several = await get(rig, "/data", headers={"range": "bytes=0-1,5-"})
    assert several.headers["content-type"].startswith("multipart/byteranges")
    assert several.headers["content-length"] == str(len(several.body))
    assert content[5:] in several.body
    assert (await get(rig, "/data", headers={"range": f"bytes={size}-"})).status == 416
    old = await get(rig, "/data", headers={"range": "bytes=3-9", "if-range": '"other"'})
    assert (old.status, old.body) == (200, content)


async def test_a_large_file_arrives_whole(opening: Opening, www: Path) -> None:
    """WEB-37, WEB-170: in pieces, and the connection goes on."""
    content = os.urandom(1_500_000)
    (www / "large.bin").write_bytes(content)
    rig = await opening(static(www))
    answer = await get(rig, "/large.bin")
    assert answer.body == content
    assert answer.headers["content-length"] == str(len(content))
    head = await get(rig, "/large.bin", method="HEAD")
    assert (head.headers["content-length"], head.body) == (str(len(content)), b"")
    request = b"GET /large.bin HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
    last = b"GET /hello.txt HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n"
    answers = await http_exchange(rig.connect(ip="127.0.0.2"), request + last)
    assert answers.endswith(b"hello world\n")


async def test_a_file_that_is_cut_while_it_is_sent_ends_the_connection(
    opening: Opening, www: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-37: the client must not take a part for the whole. Over TLS files are read."""
    (www / "large.bin").write_bytes(b"x" * 1_000_000)
    monkeypatch.setattr("moxlite.web.handlers.static.read", lambda *_: b"")
    rig = await opening(static(www))
    request = b"GET /large.bin HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
    answer = await http_exchange(rig.connect(ip="127.0.0.2", port=443, tls=True), request)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-length: 1000000" in head
    assert len(body) < 1_000_000


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/%2e%2e/secret",
        "/sub/..%2f..%2fsecret",
        "/..\\secret",
        "/hello.txt%00",
        "/%ff",
        "/hello.txt/",
        "/hello.txt/x",
        "/nothing",
        "/link",
        "/dirlink/secret",
        "/pipe",
        "/loop",
        "/" + "n" * 300,
    ],
)
async def test_nothing_outside_the_root_and_nothing_odd_is_served(opening: Opening, www: Path, path: str) -> None:
    """WEB-38, WEB-40, WEB-131, WEB-6."""
    (www / "link").symlink_to(www.parent / "secret")
    (www / "dirlink").symlink_to(www.parent)
    (www / "loop").symlink_to("loop")
    os.mkfifo(www / "pipe")
    rig = await opening(static(www))
    assert (await get(rig, path)).status == 404


@pytest.mark.parametrize("follow", ["", ", follow_symlinks = true"])
async def test_names_with_a_dot_before_them_are_not_served(opening: Opening, www: Path, follow: str) -> None:
    """WEB-38a, WEB-39: the folder of a generator has .git, .env and editors' files; only .well-known is for others."""
    (www / ".git" / "refs").mkdir(parents=True)
    (www / ".git" / "config").write_text("secret")
    (www / ".git" / "index.html").write_text("secret")
    (www / "sub" / ".env").write_text("secret")
    (www / ".well-known").mkdir()
    (www / ".well-known" / "security.txt").write_text("Contact: mailto:a@b.example")
    (www / ".well-known" / ".hidden").write_text("secret")
    (www / "page").mkdir()
    (www / "page" / ".htaccess.gz").write_text("secret")
    (www / "page" / "linked").symlink_to("../.git/config")
    rig = await opening(static(www, f", list_files = true{follow}"))
    for path in (
        *("/.git", "/.git/", "/.git/config", "/%2egit/config", "/sub/../.git/config", "/sub/.env", "/.git/refs/"),
        *("/.well-known/.hidden", "/page/.htaccess.gz", "/sub/%2Eenv", "//.git/config", "/.well-known/../.git/config"),
    ):
        answer = await get(rig, path)
        assert (path, answer.status) == (path, 404)
        assert b"secret" not in answer.body
    assert (await get(rig, "/.well-known/security.txt")).status == 200
    listing = (await get(rig, "/")).body
    assert b".git" not in listing
    assert b"./.well-known/" in listing
    assert b".htaccess" not in (await get(rig, "/page/")).body


async def test_links_within_the_root_are_followed_and_others_on_request(opening: Opening, www: Path) -> None:
    """WEB-40."""
    (www / "inside").symlink_to("hello.txt")
    (www / "outside").symlink_to(www.parent / "secret")
    rig = await opening(static(www, path="^/inside") + static(www, ", follow_symlinks = true"))
    assert (await get(rig, "/inside")).body == b"hello world\n"
    assert (await get(rig, "/outside")).body == b"secret"
    assert (await get(rig, "/../secret")).status == 404


async def test_a_link_that_appears_after_the_look_is_not_followed(www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-131: whoever can write below the root cannot win by being quick."""
    resolved = files.beneath

    def swapped(root: str, path: str) -> str:
        real = resolved(root, path)
        (www / "sub").rename(www / "old")
        (www / "sub").symlink_to(www.parent)
        return real

    (www / "sub" / "secret").write_text("harmless")
    monkeypatch.setattr(files, "beneath", swapped)
    with pytest.raises(files.NoSuchFile):
        files.open_file(str(www), "sub/secret", follow=False)


async def test_the_prefix_is_taken_off(opening: Opening, www: Path) -> None:
    """WEB-37, WEB-38."""
    rig = await opening(static(www, ', strip_prefix = "/files/"'))
    assert (await get(rig, "/files/hello.txt")).status == 200
    assert (await get(rig, "/hello.txt")).status == 404


async def test_files_can_only_be_fetched(opening: Opening, www: Path) -> None:
    """WEB-37."""
    rig = await opening(static(www))
    answer = await get(rig, "/hello.txt", method="POST")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_what_is_not_found_can_be_left_to_the_next(opening: Opening, www: Path, tmp_path: Path) -> None:
    """WEB-37, WEB-38, WEB-39: missing file, other method, other prefix, directory without index."""
    other = tmp_path / "other"
    (other / "empty").mkdir(parents=True)
    (other / "missing.txt").write_text("from the other")
    (other / "empty" / "index.html").write_text("index of the other")
    rig = await opening(static(www, ", continue_not_found = true") + static(other))
    assert (await get(rig, "/hello.txt")).body == b"hello world\n"
    assert (await get(rig, "/missing.txt")).body == b"from the other"
    assert (await get(rig, "/empty/")).body == b"index of the other"
    assert (await get(rig, "/missing.txt", method="PUT")).status == 405
    assert (await get(rig, "/nowhere")).status == 404


async def test_a_directory_is_its_index(opening: Opening, www: Path) -> None:
    """WEB-39."""
    rig = await opening(static(www))
    answer = await get(rig, "/sub?a=b")
    assert (answer.status, answer.headers["location"]) == (307, "/sub/?a=b")
    answer = await get(rig, "/sub/")
    assert (answer.status, answer.body) == (200, b"<h1>sub</h1>")
    assert (await get(rig, "/empty/")).status == 403


async def test_the_slash_that_is_added_leads_to_no_other_host(opening: Opening, www: Path) -> None:
    """WEB-135, WEB-39."""
    (www / "\\evil.example").mkdir()
    rig = await opening(static(www))
    assert (await get(rig, "//sub")).headers["location"] == "/sub/"
    assert (await get(rig, "/%5Cevil.example")).headers["location"] == "/%5Cevil.example/"


async def test_a_directory_is_listed(opening: Opening, www: Path) -> None:
    """WEB-39, WEB-131: sorted, escaped, with sizes and dates; what cannot be fetched is left out."""
    (www / '<i>"&').write_bytes(b"x" * 2_500_000)
    (www / "c:d").mkdir()
    (www / "link").symlink_to(www.parent / "secret")
    os.mkfifo(www / "pipe")
    os.utime(www / "hello.txt", (0, 1_700_000_000))
    (www / os.fsdecode(b"\xff")).write_text("")
    rig = await opening(static(www, ", list_files = true"))
    answer = await get(rig, "/")
    page = answer.body.decode()
    names = ["&lt;i&gt;&quot;&amp;</a>", "c:d/</a>", "empty/</a>", "hello.txt</a>", "sub/</a>"]
    positions = [page.index(name) for name in names]
    assert positions == sorted(positions)
    assert 'href="./%3Ci%3E%22%26"' in page
    assert 'href="./c%3Ad/"' in page
    assert "<td>2.50</td>" in page
    assert "<td>2023-11-14 22:13</td>" in page
    assert not any(word in page for word in (">link<", ">pipe<", ">..<", "<i>"))
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert ">..<" in (await get(rig, "/empty/")).body.decode()
    assert (await get(rig, "/sub/")).body == b"<h1>sub</h1>"


async def test_a_listing_has_an_end(opening: Opening, www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-39: a page with more is of no use to anybody."""
    monkeypatch.setattr(files, "MAX_ENTRIES", 2)
    rig = await opening(static(www, ", list_files = true"))
    page = (await get(rig, "/")).body.decode()
    assert page.count("<tr><td>") == 2
    assert "Only the first" in page


async def test_what_may_not_be_read_is_forbidden(opening: Opening, www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-38, WEB-39: a file; a directory that may not be listed still serves its index."""
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        listing = flags & os.O_DIRECTORY and not flags & os.O_PATH
        if path == "hello.txt" or (path in ("sub", "empty") and listing):
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    rig = await opening(static(www, ", list_files = true"))
    assert (await get(rig, "/hello.txt")).status == 403
    assert (await get(rig, "/empty/")).status == 403
    assert (await get(rig, "/sub/")).status == 200


async def test_a_failing_disk_is_an_error_of_the_server(
    opening: Opening, www: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """WEB-38, WEB-8."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("moxlite.web.handlers.static.open_file", fail)
    rig = await opening(static(www))
    answer = await get(rig, "/hello.txt")
    assert (answer.status, b"(id " in answer.body) == (500, True)
    assert any("Input/output error" in str(getattr(record, "kv", "")) for record in caplog.records)


async def test_response_headers_are_added(opening: Opening, www: Path) -> None:
    """WEB-40: an explicit type wins, but on listings."""
    fields = '{ Cache-Control = "max-age=60", Content-Type = "text/x-own", X-Own = "yes" }'
    rig = await opening(static(www, f", list_files = true, response_headers = {fields}"))
    answer = await get(rig, "/hello.txt")
    assert (answer.headers["content-type"], answer.headers["x-own"]) == ("text/x-own", "yes")
    listing = await get(rig, "/")
    assert listing.headers["content-type"] == "text/html; charset=utf-8"
    assert (listing.headers["cache-control"], listing.headers["x-own"]) == ("max-age=60", "yes")


@pytest.mark.parametrize("size", [20_000, 900_000])
async def test_files_are_compressed_when_the_handler_says_so(opening: Opening, www: Path, size: int) -> None:
    """WEB-10: by type, size and what the client takes; each coding has its own tag."""
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    (www / "long.txt").write_bytes(content)
    (www / "long.png").write_bytes(content)
    rig = await opening(static(www, path="^/plain", more=PLAIN) + static(www, more=PLAIN + "compress = true\n"))
    plain = await get(rig, "/long.txt")
    assert (plain.body, plain.headers["vary"]) == (content, "Accept-Encoding")
    tags = {plain.headers["etag"]}
    for coding, decode in (("gzip", gzip.decompress), ("zstd", decompress)):
        fields = {"accept-encoding": coding}
        answer = await get(rig, "/long.txt", headers=fields)
        assert answer.headers["content-encoding"] == coding
        assert decode(answer.body) == content
        assert len(answer.body) < size // 4
        tags.add(answer.headers["etag"])
        again = await get(rig, "/long.txt", headers={**fields, "if-none-match": answer.headers["etag"]})
        assert again.status == 304
        head = await get(rig, "/long.txt", headers=fields, method="HEAD")
        assert (head.headers["content-encoding"], head.body) == (coding, b"")
    assert len(tags) == 3
    fields = {"accept-encoding": "gzip"}
    assert (await get(rig, "/long.txt", headers={**fields, "range": "bytes=0-9"})).body == content[:10]
    assert "content-encoding" not in (await get(rig, "/long.png", headers=fields)).headers
    assert "content-encoding" not in (await get(rig, "/hello.txt", headers=fields)).headers


def decompress(octets: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(octets)


# Redirects


async def test_a_domain_is_redirected_with_path_and_query(opening: Opening) -> None:
    """WEB-33."""
    rig = await opening('[web_domain_redirects]\n"old.example" = "büro.example"\n')
    answer = await get(rig, "/a%20b//c?d=%2f", host="OLD.example:80")
    assert (answer.status, answer.headers["location"]) == (308, "https://xn--bro-hoa.example/a%20b//c?d=%2f")
    assert (await get(rig, "/", host="other.example")).status == 404


@pytest.mark.parametrize(
    ("ip", "port", "location"),
    [
        ("127.0.0.2", 80, "https://www.example.org/hello.txt?a=b"),
        ("127.0.0.1", 1080, "https://www.example.org:1443/hello.txt?a=b"),
        ("127.0.0.1", 8010, ""),
    ],
)
async def test_plain_http_leads_to_https(opening: Opening, www: Path, ip: str, port: int, location: str) -> None:
    """WEB-35: to the port where this listener has it."""
    rig = await opening(static(www, more=""))
    answer = await get(rig, "/hello.txt?a=b", ip=ip, port=port)
    if location:
        assert (answer.status, answer.headers["location"]) == (308, location)
    else:
        assert answer.status == 404
    assert (await get(rig, "/hello.txt", port=443, tls=True)).status == 200


@pytest.mark.parametrize(
    ("settings", "target", "status", "location"),
    [
        ('base_url = "https://new.example"', "/a/b?c", 308, "https://new.example/a/b?c"),
        ('base_url = "//new.example:8080?x=1#top"', "/a?c", 308, "http://new.example:8080/a?x=1&c#top"),
        ('base_url = "https://new.example", status_code = 302', "/%C3%BC%0d%0a", 302,
         "https://new.example/%C3%BC%0D%0A"),
        ('orig_path_regexp = "^/old/(.*)", replace_path = "/new/$1"', "/old/x?y", 308,
         "http://www.example.org/new/x?y"),
        ('orig_path_regexp = "/(?P<a>[0-9]+)", replace_path = "-${a}$$$0"', "/x/12/34", 308,
         "http://www.example.org/x-12$/12-34$/34"),
        ('orig_path_regexp = "^/old", replace_path = "//evil.example"', "/old", 308,
         "http://www.example.org//evil.example"),
        ('orig_path_regexp = "^/old/", replace_path = "/new"', "/other", 404, ""),
        ('orig_path_regexp = "", replace_path = "aaaaaaaa"', "/" + "x" * 2000, 414, ""),
        ('base_url = "http://www.example.org"', "/loop", 404, ""),
        ('base_url = "http://WWW.example.org:80"', "/loop", 404, ""),
        ('base_url = "https://www.example.org"', "/loop", 308, "https://www.example.org/loop"),
    ],
)  # fmt: skip
async def test_redirects(opening: Opening, settings: str, target: str, status: int, location: str) -> None:
    """WEB-42, WEB-43, WEB-135: a redirect to the same address is ignored."""
    rig = await opening(handler(f"redirect = {{ {settings} }}"))
    answer = await get(rig, target)
    assert answer.status == status
    if location:
        assert answer.headers["location"] == location


# Which one answers


async def test_rules_are_tried_in_the_order_of_the_file(opening: Opening, www: Path) -> None:
    """WEB-34, WEB-24: host, then pattern; a redirect to the same place lets the next one answer."""
    rig = await opening(
        handler('redirect = { base_url = "https://other.example" }', path="^/first")
        + handler('redirect = { base_url = "https://www.example.org" }', more="")
        + static(www, more="")
        + handler('redirect = { base_url = "https://never.example" }')
    )
    assert (await get(rig, "/first")).headers["location"] == "https://other.example/first"
    assert (await get(rig, "/hello.txt")).headers["location"] == "https://www.example.org/hello.txt"
    assert (await get(rig, "/hello.txt", port=443, tls=True)).status == 200
    assert (await get(rig, "/hello.txt", host="example.org")).status == 404


async def test_rules_come_before_services_and_after_system_handlers(opening: Opening, www: Path) -> None:
    """WEB-24, WEB-26: an app's page and the icon can be replaced, metrics cannot."""
    (www / "favicon.ico").write_bytes(b"mine")
    (www / "metrics").write_bytes(b"mine")
    more = ", continue_not_found = true"
    rig = await opening(static(www, more, domain="mail.example.org"))
    assert (await get(rig, "/favicon.ico", host="mail.example.org")).body == b"mine"
    assert (await get(rig, "/webmail/", host="mail.example.org")).status == 200
    assert (await get(rig, "/webmail", host="mail.example.org")).status == 308
    metrics = await get(rig, "/metrics", host="mail.example.org", ip="127.0.0.1", port=1080)
    assert b"moxlite_" in metrics.body


async def test_a_typed_host_leads_to_the_apps_at_https(opening: Opening, www: Path) -> None:
    """WEB-25a: only where they are, by name, and after what plain http serves itself; not what a proxy got by TLS."""
    rules = static(www, ", continue_not_found = true", path="^/hello", domain="mail.example.org")
    rig = await opening(rules + '[web_domain_redirects]\n"old.example.org" = "new.example.org"\n')

    async def plain(host: str, path: str, **headers: str) -> tuple[int, str]:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await get(rig, path, host=host, ip="127.0.0.3", remote="10.0.0.9", headers=fields)
        return answer.status, answer.headers.get("location", "")

    for path in ("/", "/webmail/", "/webmail/?a=%20b", "/forgot"):
        assert await plain("mail.example.org", path) == (308, f"https://mail.example.org{path}")
    assert (await get(rig, "/webmail/", host="mail.example.org", ip="127.0.0.3", port=443, tls=True)).status == 200
    assert await plain("mail.example.org", "/hello.txt") == (200, "")
    assert (await plain("old.example.org", "/"))[1] == "https://new.example.org/"
    for host in ("127.0.0.3", "localhost", "www.example.org", "mta-sts.example.org"):
        assert await plain(host, "/") == (404, "")
    assert await plain("mail.example.org", "/.well-known/acme-challenge/x") == (404, "")
    assert (await plain("autoconfig.example.org", "/mail/config-v1.1.xml?emailaddress=me@example.org"))[0] == 200
    assert await plain("mail.example.org", "/", x_forwarded_proto="https") == (404, "")
    assert (await get(rig, "/", host="mail.example.org")).status == 404, "where plain http has no app at https"


async def test_the_icon_is_there_for_the_apps_hosts(opening: Opening) -> None:
    """WEB-26."""
    rig = await opening("")
    answer = await get(rig, "/favicon.ico", host="localhost")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/vnd.microsoft.icon")
    assert answer.body.startswith(b"\0\0\1\0")
    assert (await get(rig, "/favicon.ico", host="www.example.org")).status == 404
    assert (await get(rig, "/favicon.ico", host="localhost", ip="127.0.0.1", port=1080)).status == 404


async def test_an_app_can_be_served_at_another_place(opening: Opening) -> None:
    """WEB-49."""
    rig = await opening(
        handler('internal = { base_path = "/mail/", service = "webmail" }', path="^/mail")
        + handler('internal = { base_path = "/me/", service = "account" }', path="^/me")
    )
    answer = await get(rig, "/mail")
    assert (answer.status, answer.headers["location"]) == (308, "/mail/")
    answer = await get(rig, "/mail/")
    assert (answer.status, b"Webmail" in answer.body) == (200, True)
    fields = {"content-type": "application/json"}
    prepared = await get(rig, "/mail/api/login_prep", method="POST", headers=fields)
    assert "Path=/mail/" in prepared.cookies[0]
    assert (await get(rig, "/mailbox")).status == 404
    assert (await get(rig, "/webmail/")).status == 404
    assert b"<title>Account" in (await get(rig, "/me/")).body
    prepared = await get(rig, "/me/api/login_prep", method="POST", headers=fields)
    assert prepared.cookies[0].startswith("accountlogin=")
    assert "Path=/me/" in prepared.cookies[0]


async def test_admin_app_and_web_api_are_where_they_are_asked_for_alone(opening: Opening) -> None:
    """WEB-49, WEB-23: at the handler's host and path; not at another path, nor host, nor of their own accord."""
    rig = await opening(
        handler('internal = { base_path = "/control/", service = "admin" }', path="^/control")
        + handler('internal = { base_path = "/api/", service = "webapi" }', path="^/api")
    )
    assert b"<title>" in (await get(rig, "/control/")).body
    prepared = await get(rig, "/control/api/login_prep", method="POST", headers={"content-type": "application/json"})
    assert prepared.cookies[0].startswith("adminlogin=")
    assert "Path=/control/" in prepared.cookies[0]
    assert (await get(rig, "/api/v0/")).status == 200
    assert (await get(rig, "/api/v0/SuppressionList", method="POST")).status == 401
    for path in ("/admin/", "/webapi/v0/", "/controls", "/apix"):
        assert (await get(rig, path)).status == 404
    assert (await get(rig, "/control/", host="mail.example.org")).status == 404


async def test_requests_count_for_limits_whoever_answers(opening: Opening, www: Path) -> None:
    """WEB-13: once each, files as well as apps behind rules that do not answer."""
    rig = await opening(static(www, ", continue_not_found = true", domain="mail.example.org"))
    one = b"GET /hello.txt HTTP/1.1\r\nHost: mail.example.org\r\n\r\n"
    two = b"GET /webmail/nothing HTTP/1.1\r\nHost: mail.example.org\r\n\r\n"
    last = b"GET / HTTP/1.0\r\nHost: mail.example.org\r\n\r\n"
    answers = await http_exchange(rig.connect(ip="127.0.0.2", remote="203.0.113.9"), (one + two) * 500 + last)
    assert answers.count(b"HTTP/1.1 200 ") == 500
    assert answers.count(b"HTTP/1.1 404 ") == 500
    assert answers.count(b"HTTP/1.1 429 ") == 1


async def test_a_pattern_that_takes_too_long_is_an_error_that_names_it(
    opening: Opening, caplog: pytest.LogCaptureFixture
) -> None:
    """WEB-36: here one that looks at every way to divide the path."""
    slow = handler(
        'redirect = { base_url = "https://a.example" }', path="^/(x+x+)+y", more=PLAIN + 'log_name = "slow"\n'
    )
    rig = await opening(slow)
    answer = await get(rig, "/" + "x" * 4000)
    assert answer.status == 500
    assert any("'handler': 'slow'" in str(getattr(record, "kv", "")) for record in caplog.records)
    assert (await get(rig, "/xxy")).status == 308


async def test_a_pattern_for_redirects_is_bounded_as_well(opening: Opening) -> None:
    """WEB-36."""
    rig = await opening(handler('redirect = { orig_path_regexp = "(x+x+)+y", replace_path = "/z" }'))
    assert (await get(rig, "/" + "x" * 4000)).status == 500


async def test_changes_of_the_file_count_at_once(opening: Opening, www: Path) -> None:
    """ADMIN-5, WEB-34."""
    rig = await opening(static(www))
    assert (await get(rig, "/hello.txt")).status == 200
    rig.holder.domains_path.write_text(DOMAINS + handler('redirect = { base_url = "https://a.example" }'))
    assert await rig.holder.reload()
    assert (await get(rig, "/hello.txt")).headers["location"] == "https://a.example/hello.txt"
    rig.holder.domains_path.write_text(DOMAINS)
    assert await rig.holder.reload()
    assert (await get(rig, "/hello.txt")).status == 404


def test_an_address_in_brackets_has_no_port_of_its_own() -> None:
    """WEB-43: the same place is found by IPv6 addresses, too."""
    assert host_and_port("https", "[2001:DB8::1]") == ("[2001:db8::1]", "443")
    assert host_and_port("http", "[2001:db8::1]:8080") == ("[2001:db8::1]", "8080")
    assert host_and_port("http", "Example.org") == ("example.org", "80")
