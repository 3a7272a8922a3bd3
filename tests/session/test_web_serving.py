"""Requests to hosts: which one is meant, how long finding its rules takes, and what the loop does meanwhile."""

import time
from pathlib import Path
from statistics import median

import pytest
import trio

from moxlite.cli import run
from tests.session.test_web_handlers import Opening, get, opening as opening, static, www as www
from tests.tools import slowness
from tests.web_rig import Rig, http_exchange

pytestmark = pytest.mark.served


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("www.example.org:1080", True),
        ("WWW.Example.Org.", True),
        ("xn--bro-hoa.example.org", True),
        ("b\xc3\xbcro.example.org", True),  # UTF-8
        ("b\xfcro.example.org", False),
        ("example.org", False),
        ("www.example.org:99:9", False),
        ("127.0.0.2", False),
    ],
)
async def test_hosts_of_requests(opening: Opening, www: Path, asked: str, *, found: bool) -> None:
    """WEB-7: port and last dot are cut off, IDNA names have one form; a text that names no host has no rule."""
    rig = await opening(static(www) + static(www, domain="büro.example.org"))
    request = f"GET /hello.txt HTTP/1.1\r\nHost: {asked}\r\nConnection: close\r\n\r\n".encode("latin-1")
    answer = await http_exchange(rig.connect(ip="127.0.0.2"), request)
    assert answer.startswith(b"HTTP/1.1 200 " if found else b"HTTP/1.1 404 ")
    assert answer.endswith(b"\r\n\r\nhello world\n") == found


@pytest.mark.nightly
async def test_ten_thousand_hosts_cost_no_more_than_ten(opening: Opening, www: Path) -> None:
    """WEB-178: the rules of a host are found by its name, and made when it is first asked for."""
    rig = await opening("".join(static(www, domain=f"h{n}.example.org") for n in range(10_000)))

    async def seconds(host: str) -> float:
        times = []
        for _ in range(30):
            began = time.perf_counter()
            assert (await get(rig, "/hello.txt", host=host)).body == b"hello world\n"
            times.append(time.perf_counter() - began)
        return median(times)

    first, last = await seconds("h0.example.org"), await seconds("h9999.example.org")
    assert last < 3 * first + 0.01
    assert first < 0.05 * slowness()
    assert (await get(rig, "/hello.txt", host="h10000.example.org")).status == 404


async def longest_pause(rig: Rig, path: str) -> float:
    """Seconds of the loop's own time between two turns at most, while a file is fetched in compressed form: on a busy
    machine others have time in between.
    """
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        last = time.thread_time()
        while True:
            await trio.sleep(0.001)
            now = time.thread_time()
            longest, last = max(longest, now - last), now

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        answer = await get(rig, path, headers={"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        nursery.cancel_scope.cancel()
    return longest


async def test_the_loop_goes_on_while_a_large_file_is_compressed(opening: Opening, www: Path) -> None:
    """WEB-12: 8 MB take 100 ms and more at once; in threads, in pieces, no pause of the loop is so long."""
    (www / "large.txt").write_bytes(b"".join(b"%d and %d\n" % (n, n * n) for n in range(500_000)))
    rig = await opening(static(www, more="dont_redirect_plain_http = true\ncompress = true\n"))
    assert min([await longest_pause(rig, "/large.txt") for _ in range(3)]) < 0.05 * slowness()


def test_rules_without_a_web_server_are_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """WEB-50: `config test` says which setting is missing."""
    (tmp_path / "moxlite.toml").write_text(
        'hostname = "mx.example.org"\n[postmaster]\naccount = "a"\nmailbox = "P"\n[listeners.local]\nips = ["::1"]\n'
    )
    (tmp_path / "domains.toml").write_text(
        '[domains."example.org"]\n[accounts.a]\ndomain = "example.org"\n[accounts.a.destinations."a@example.org"]\n'
        + static(tmp_path)
    )
    assert run(["--config", str(tmp_path / "moxlite.toml"), "config", "test"]) != 0
    said = capsys.readouterr()
    assert "requires a listener with webserver_http or webserver_https" in said.out + said.err
