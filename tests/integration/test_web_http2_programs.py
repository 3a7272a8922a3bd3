"""HTTP/2 with the programs of others: curl, nghttp, h2load, Chromium, Firefox; and what attacks cost a whole server."""

import multiprocessing
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import pytest
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from playwright.sync_api import Browser

from tests.firefox import firefox
from tests.http2client import fields
from tests.integration.browser import chromium as chromium
from tests.running import ServedServer
from tests.tools import free_port, need, slowness

pytestmark = [pytest.mark.integration, pytest.mark.served]

SITE = """
[[web_handlers]]
domain = "{host}"
path_regexp = "^/"
static = {{ root = "{root}", list_files = true }}
"""


class Site(ServedServer):
    """A server with a site at localhost: `root` below its folder."""

    https: int
    metrics: int

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https}"

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        with urlopen(f"http://127.0.0.1:{self.metrics}/metrics") as answer:
            text = answer.read().decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, https = tmp_path_factory.mktemp("http2") / "server", free_port()
    metrics = free_port()
    root = folder / "www"
    root.mkdir(parents=True)
    (root / "index.html").write_text(
        "<!doctype html><title>site</title>" + "".join(f"<img src=/{n}.svg>" for n in range(60))
    )
    for n in range(60):
        (root / f"{n}.svg").write_text(f"<svg xmlns='http://www.w3.org/2000/svg' width='{n + 1}' height='9'/>")
    (root / "large").write_bytes(bytes(range(256)) * 40_000)
    (root / "10k").write_bytes(bytes(10_240))
    static = f"""
webserver_https = {{ enabled = true, port = {https}, rate_limit_disabled = true }}
webmail_https = {{ enabled = true, port = {https} }}
metrics_http = {{ enabled = true, port = {metrics} }}
"""
    with Site(folder, static=static, domains=SITE.format(host="localhost", root=root)) as server:
        server.https, server.metrics = https, metrics
        yield server


def run(*command: str) -> str:
    done = subprocess.run([need(command[0]), *command[1:]], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_curl(site: Site, tmp_path: Path) -> None:
    """WEB-2: curl gets and sends over HTTP/2, ranges and HEAD too; without it, HTTP/1.1."""
    out = tmp_path / "out"
    ask = ("curl", "-sk", "--http2", "-o", str(out), "-w", "%{http_version} %{http_code} %{size_download}")
    assert run(*ask, f"{site.url}/large") == "2 200 10240000"
    assert out.read_bytes() == bytes(range(256)) * 40_000
    assert run(*ask, "-r", "100-199", f"{site.url}/large") == "2 206 100"
    assert run(*ask, "-X", "POST", "-d", "@" + str(out), f"{site.url}/large").startswith("2 405")
    assert run(*ask, f"{site.url}/missing").startswith("2 404")
    assert run(*ask, "--http1.1", f"{site.url}/10k") == "1.1 200 10240"
    many = run("curl", "-sk", "--http2", "-Z", "-o", "/dev/null", "-w", "%{http_version} ", f"{site.url}/[0-59].svg")
    assert many.split() == ["2"] * 60


def test_nghttp(site: Site) -> None:
    """WEB-2: nghttp, which sends priorities and pings by itself, gets a page with all that it names."""
    shown = run("nghttp", "-ans", f"{site.url}/")
    assert len(re.findall(r" 200 +\S+ /", shown)) == 1 + 60
    shown = run("nghttp", "-nv", "-m", "50", "--window-bits=10", "--connection-window-bits=14", f"{site.url}/10k")
    assert "recv GOAWAY" not in shown
    assert "SETTINGS_MAX_CONCURRENT_STREAMS(0x03):100" in shown


def test_h2load(site: Site) -> None:
    """WEB-2: thousands of requests at once on some connections; each gets its octets."""
    shown = run("h2load", "-n", "3000", "-c", "4", "-m", "50", f"{site.url}/10k")
    assert "3000 succeeded, 0 failed, 0 errored" in shown, shown
    assert "status codes: 3000 2xx, 0 3xx, 0 4xx, 0 5xx" in shown


NAVIGATION = "performance.getEntriesByType('navigation')[0].nextHopProtocol"
IMAGES = "[...document.images].every(one => one.complete && one.naturalHeight > 0)"
PROTOCOLS = "() => performance.getEntriesByType('resource').map(e => e.nextHopProtocol + ' ' + e.responseStatus)"


@pytest.mark.nightly
def test_browsers(site: Site, chromium: Browser, tmp_path: Path) -> None:
    """WEB-2: Chromium and Firefox fetch a page and its 60 images over HTTP/2."""
    page = chromium.new_context(ignore_https_errors=True).new_page()
    page.goto(site.url, wait_until="load")
    assert page.evaluate(NAVIGATION) == "h2"
    assert page.evaluate(PROTOCOLS).count("h2 200") == 60
    assert page.evaluate(f"() => {IMAGES}")
    with firefox(tmp_path / "firefox") as fox:
        fox.open(site.url)
        fox.wait("document.readyState === 'complete'")
        assert fox.run(f"() => {NAVIGATION}") == "h2"
        assert fox.run(f"() => {IMAGES}")


def connect(port: int, window: int = 65_535) -> ssl.SSLSocket:
    """A connection over which each answer may have so many octets before they are read."""
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2"])
    found = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=20), server_hostname="localhost")
    assert found.selected_alpn_protocol() == "h2"
    settings = SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: window})
    found.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings.serialize())
    return found


def head(number: int, path: str = "/10k", *flags: str) -> HeadersFrame:
    block = Encoder().encode(fields("GET", path, host="localhost"))
    return HeadersFrame(number, block, flags=[*(flags or ("END_HEADERS", "END_STREAM"))])


def frames_of(*frames: Frame) -> bytes:
    return b"".join(one.serialize() for one in frames)


def rapid_reset(n: int) -> bytes:
    return frames_of(head(2 * n + 1), RstStreamFrame(2 * n + 1, error_code=8))


def continuation(n: int) -> bytes:
    return frames_of(head(1, "/", "END_STREAM") if n == 0 else ContinuationFrame(1, data=bytes(100)))


def slow_read(n: int) -> bytes:
    """50 requests: four connections have as many as WEB-14 allows an address, for which loopback is exempt here."""
    return frames_of(SettingsFrame(0, settings={4: 0}) if n == 0 else head(2 * n + 1, "/large")) if n < 51 else b""


def empty_data(n: int) -> bytes:
    return frames_of(head(1, "/10k", "END_HEADERS") if n == 0 else DataFrame(1))


ATTACKS: dict[str, Callable[[int], bytes]] = {
    "rapid reset": rapid_reset,
    "continuation": continuation,
    "settings": lambda n: frames_of(SettingsFrame(0, settings={4: 65535 - n % 2})),
    "ping": lambda n: frames_of(PingFrame(0, opaque_data=b"12345678")),
    "window updates": lambda n: frames_of(WindowUpdateFrame(0, window_increment=1)),
    "empty data": empty_data,
    "slow read": slow_read,
}


def attack(port: int, make: Callable[[int], bytes], until: float) -> None:
    """Attack over and over, on a new connection whenever the server ends one, until a time."""
    while time.monotonic() < until:
        try:
            with connect(port) as stream:
                for n in range(5000):
                    if time.monotonic() > until:
                        return
                    if octets := make(n):
                        stream.sendall(octets)
                    else:
                        time.sleep(0.05)
        except OSError:
            time.sleep(0.05)  # the pace of a client far away: the limit of connections is not the subject


def resident(pid: int) -> int:
    """Octets of memory that a process has."""
    found = re.search(r"^Rss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def handshakes(port: int, until: float) -> None:
    """Open connections, one behind the other, until a time."""
    while time.monotonic() < until:
        try:
            connect(port).close()
        except OSError:
            time.sleep(0.05)


STORM = "TLS handshakes"


@pytest.mark.landing("rapid reset", "slow read", "TLS handshakes")
@pytest.mark.parametrize("name", [*ATTACKS, STORM])
def test_attacks_cost_little(site: Site, name: str) -> None:
    """WEB-2, WEB-139, WEB-171: during an attack over four connections, or handshakes of 16 clients, the server takes at
    most 20 MB more, and its median IMAP
    command takes at most 100 ms.
    """
    run("curl", "-sk", "--http2", "-o", "/dev/null", f"{site.url}/large")  # what is loaded once is loaded
    before, times = resident(site.process.pid), []
    longest = time.monotonic() + 60
    forks = multiprocessing.get_context("fork")  # of their own, so that the clock is not theirs
    if name == STORM:
        attackers = [forks.Process(target=handshakes, args=(site.https, longest), daemon=True) for _ in range(16)]
    else:
        made = site.https, ATTACKS[name], longest
        attackers = [forks.Process(target=attack, args=made, daemon=True) for _ in range(4)]
    with socket.create_connection(("127.0.0.1", site.ports["imap"])) as imap:
        lines = imap.makefile("rwb")
        lines.readline()
        for one in attackers:
            one.start()
        most, until = before, time.monotonic() + 4
        while time.monotonic() < until:
            began = time.monotonic()
            lines.write(b"a NOOP\r\n")
            lines.flush()
            assert lines.readline().startswith(b"a OK")
            times.append(time.monotonic() - began)
            most = max(most, resident(site.process.pid))
            time.sleep(0.02)
    for one in attackers:
        one.terminate()
        one.join(timeout=60)
    times.sort()
    memory, median = (most - before) / 1e6, times[len(times) // 2]
    figures = f"{name}: {memory:.1f} MB, median {median * 1e3:.1f} ms, worst {times[-1] * 1e3:.0f} ms"
    print(figures)
    assert memory < 20, figures
    assert median < 0.1 * slowness(), figures
    assert site.process.poll() is None


STALLED: dict[str, tuple[str, str, int]] = {
    "a page": ("127.0.0.1", "/webmail/", 64),
    "a large file": ("localhost", "/large", 160),
}
"""Host, path, and the MB that they may cost: a page is shared; files are read, 256 KiB at a time."""


@pytest.mark.landing("a page-18")
@pytest.mark.parametrize("connections", [18, 72])
@pytest.mark.parametrize("name", STALLED)
def test_7200_answers_that_are_not_read(site: Site, name: str, connections: int) -> None:
    """WEB-4a: over 72 connections, 18 in a landing, 100 requests each for a page, or a file, with a window of one
    octet; others get it meanwhile. A client of the same network gets it whole or is refused, and gets a page always.
    """
    host, path, limit = STALLED[name]
    get = ("curl", "-sk", "--http2", "--compressed", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code}")
    url = f"https://{host}:{site.https}{path}"
    elsewhere = ("--interface", "127.0.0.2", "--connect-to", f"::127.0.0.1:{site.https}")
    assert run(*get, url) == "200"
    before = most = resident(site.process.pid)
    block = Encoder().encode(fields("GET", path, host=host))
    requests = frames_of(
        *(HeadersFrame(2 * n + 1, block, flags=["END_HEADERS", "END_STREAM"]) for n in range(100)),
    )
    with ExitStack() as open_until_the_end:
        slowest = 0.0
        for _ in range(connections):
            stream = open_until_the_end.enter_context(connect(site.https, window=1))
            stream.sendall(requests)
            most = max(most, resident(site.process.pid))
        for _ in range(20):
            began = time.monotonic()
            assert run(*get, *elsewhere, url) == "200"
            slowest = max(slowest, time.monotonic() - began)
            assert run(*get, url) in (("200",) if name == "a page" else ("200", "429"))
            most = max(most, resident(site.process.pid))
        ended = site.metric("moxlite_ledger_cut_total")
    figures = f"{name}: {(most - before) / 1e6:.0f} MB more, {ended:.0f} ended, slowest answer {slowest:.2f} s"
    print(figures)
    assert most - before < limit * 1e6, figures
    assert slowest < 20 * slowness(), figures
    assert site.metric("moxlite_panic_total") == 0
