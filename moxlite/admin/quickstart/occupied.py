"""Programs that use the ports of this machine before the server does (ADMIN-29, 33)."""

from ipaddress import ip_address
from typing import Final

import trio

from moxlite.admin.quickstart.listeners import Places
from moxlite.admin.quickstart.webserver import PORT
from moxlite.net.dial import DialError, dial
from moxlite.net.portholder import holder_of

MAIL_PORTS: Final = (25, 465, 993, 4190)
WEB_PORTS: Final = (80, 443)

SECONDS: Final = 3.0
"""Seconds for all ports: they are on this machine, which responds at once."""


async def look_at_ports(places: Places, *, other_web: bool) -> list[str]:
    """Warn about ports that are taken: certificates and mail could not arrive there.

    Args:
      other_web: another web server has ports 80 and 443; then a warning says if nothing responds there.
    """
    outside = places.loopback if places.wild else places.public
    pages = PORT if other_web or places.wild else 80
    inside = [(ip, pages) for ip in (places.loopback if other_web else places.internal)]
    wanted = [(ip, port) for ip in outside for port in (*MAIL_PORTS, *(() if other_web else WEB_PORTS))] + inside
    answered: set[tuple[str, int]] = set()

    async def look(ip: str, port: int) -> None:
        try:
            dialed = await dial([ip_address(ip)], port, inside=True, seconds=SECONDS)
        except DialError:
            return
        answered.add((ip, port))
        await trio.aclose_forcefully(dialed.stream)

    with trio.move_on_after(SECONDS):
        async with trio.open_nursery() as nursery:
            for ip, port in {*wanted, *((ip, port) for ip in outside for port in WEB_PORTS)}:
                nursery.start_soon(look, ip, port)
    warnings = []
    taken = sorted({port for ip, port in wanted if (ip, port) in answered})
    if taken:
        listing = ", ".join([await _held(port) for port in taken])
        text = f"the server will not start while other programs have its ports: {listing}; stop them"
        web = not other_web and set(taken) & set(WEB_PORTS)
        warnings.append(f"{text}; for a web server that is to stay: --existing-webserver" if web else text)
    if other_web and not any(port == 443 for _, port in answered):
        warnings.append("no web server answers at port 443 of this machine")
    return warnings


async def _held(port: int) -> str:
    holder = await trio.to_thread.run_sync(holder_of, ip_address("::"), port)
    return f"{port} by {holder}" if holder else f"{port} (`ss -ltnp` names it)"
