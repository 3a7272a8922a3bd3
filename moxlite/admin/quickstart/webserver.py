"""Another web server that keeps ports 80 and 443 of this machine: its configuration, and its certificates for mail
(ADMIN-33).

moxlite listens on a loopback port for it. The web server passes on the requests of programs and senders: settings
(autoconfig, autodiscover, PACC), policies (MTA-STS), calendars, contacts and JMAP.
"""

import datetime as dt
import re
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal

import msgspec
import trio

from moxlite.admin.quickstart.listeners import Places
from moxlite.admin.takenports import MAIL_PORTS, WEB_PORTS, Taken, look
from moxlite.net.dial import DialError, dial
from moxlite.net.tls.certificates import CertificateError, KeyPair, certificate_names, name_matches
from moxlite.proto.address import Domain

Kind = Literal["nginx", "caddy", "apache"]

PORT: Final = 1080
"""Port on loopback; the other web server has port 80 there, too."""


class Webserver(msgspec.Struct, frozen=True):
    """The other web server. ``pairs``: absolute paths of certificates and their keys, for the mail ports."""

    kind: Kind
    pairs: tuple[tuple[Path, Path], ...]


def check_pairs(pairs: Sequence[tuple[Path, Path]], hostname: Domain, domain: Domain) -> list[str]:
    """Read the certificates, and compare their names with the hosts that mail clients use; warnings.

    Raises CertificateError: one cannot be used; the text names its file.
    """
    warnings: list[str] = []
    names: list[str] = []
    for certificate, key in pairs:
        try:
            pair = KeyPair.read(certificate, key)
        except OSError as error:
            raise CertificateError(f"can't read {error.filename}: {error.strerror or error}") from None
        names += certificate_names(pair.leaf)
        if pair.leaf.not_valid_after_utc < dt.datetime.now(dt.UTC):
            warnings.append(f"the certificate in {certificate} expired on {pair.leaf.not_valid_after_utc:%Y-%m-%d}")
    missing = [
        one for one in (hostname.ascii, f"mail.{domain.ascii}") if not any(name_matches(name, one) for name in names)
    ]
    if missing:
        warnings.append(
            f"the certificates don't include {' and '.join(missing)}, so mail clients and other servers will"
            " show errors. Get a matching certificate, or add another pair of files to tls.key_certs in"
            " moxlite.toml"
        )
    return warnings


def configuration(server: Webserver, hostname: Domain, domain: Domain, *, publish: bool = False) -> str:
    """The other web server's configuration, beginning with a line that says where it goes. publish: it passes on
    webmail and account page as well; else these lines are comments.
    """
    certificate, key = server.pairs[0]
    text = TEXTS[server.kind].format(
        host=hostname.ascii, domain=domain.ascii, port=PORT, certificate=certificate, key=key
    )
    return PUBLIC_PAGES.sub(lambda match: match[1] + match[2].replace("# ", ""), text) if publish else text


PUBLIC_PAGES: Final = re.compile(r"(# Webmail and account page for all the world.*:\n)((?: *# .*\n)+)")
"""Lines that are comments unless pages are published."""


NGINX: Final = """\
# /etc/nginx/conf.d/moxlite.conf
# Certificates must include the server names.
server {{
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name mta-sts.{domain} autoconfig.{domain} autodiscover.{domain} ua-auto-config.{domain};
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    location / {{ proxy_pass http://127.0.0.1:{port}; }}
}}
server {{
    listen 80;
    listen [::]:80;
    server_name autoconfig.{domain} autodiscover.{domain};
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    location /mail/ {{ proxy_pass http://127.0.0.1:{port}; }}
    location /.well-known/ {{ proxy_pass http://127.0.0.1:{port}; }}
}}
# Where you have a server for these names already, put the locations there.
server {{
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name {host} mail.{domain};
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    # The webmail uses websockets in the fourth tab of a browser and those after it.
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $http_connection;
    location ~* ^/(autodiscover/|mail/|profile.mobileconfig|.well-known/(autoconfig/|mail-v1)) {{
        proxy_pass http://127.0.0.1:{port};
    }}
    location ~ ^/(dav/|SOGo/dav/|(cloud/|nextcloud/)?remote.php/dav/|jmap/|.well-known/(caldav|carddav|jmap)$) {{
        proxy_pass http://127.0.0.1:{port};
        proxy_buffering off;
        proxy_read_timeout 1h;
        client_max_body_size 0;
    }}
    # Webmail and account page for all the world:
    # location / {{
    #     proxy_pass http://127.0.0.1:{port};
    #     proxy_buffering off;
    #     proxy_read_timeout 1h;
    #     client_max_body_size 0;
    # }}
}}
"""

CADDY: Final = """\
# /etc/caddy/Caddyfile
mta-sts.{domain}, autoconfig.{domain}, autodiscover.{domain}, ua-auto-config.{domain},
http://autoconfig.{domain}, http://autodiscover.{domain} {{
    reverse_proxy 127.0.0.1:{port}
}}
# Where you have sites for these names already, put the lines there.
{host}, mail.{domain} {{
    @settings path /autodiscover/* /mail/* /profile.mobileconfig /.well-known/autoconfig/* /.well-known/mail-v1.xml
    @programs path /dav/* /jmap/* /.well-known/caldav /.well-known/carddav /.well-known/jmap \
        /SOGo/dav/* /remote.php/dav/* /cloud/remote.php/dav/* /nextcloud/remote.php/dav/*
    reverse_proxy @settings 127.0.0.1:{port}
    reverse_proxy @programs 127.0.0.1:{port}
    # Webmail and account page for all the world:
    # reverse_proxy 127.0.0.1:{port}
}}
"""

APACHE: Final = """\
# /etc/apache2/sites-available/moxlite.conf, then: a2enmod ssl proxy_http headers && a2ensite moxlite
# Certificates must include the host names.
<VirtualHost *:443>
    ServerName mta-sts.{domain}
    ServerAlias autoconfig.{domain} autodiscover.{domain} ua-auto-config.{domain}
    SSLEngine on
    SSLCertificateFile {certificate}
    SSLCertificateKeyFile {key}
    ProxyPreserveHost On
    RequestHeader set X-Forwarded-Proto https
    ProxyPass / http://127.0.0.1:{port}/
</VirtualHost>
<VirtualHost *:80>
    ServerName autoconfig.{domain}
    ServerAlias autodiscover.{domain}
    ProxyPreserveHost On
    ProxyPass /mail/ http://127.0.0.1:{port}/mail/
    ProxyPass /.well-known/ http://127.0.0.1:{port}/.well-known/
</VirtualHost>
# Where you have a host of these names already, put the lines there.
<VirtualHost *:443>
    ServerName {host}
    ServerAlias mail.{domain}
    SSLEngine on
    SSLCertificateFile {certificate}
    SSLCertificateKeyFile {key}
    ProxyPreserveHost On
    RequestHeader set X-Forwarded-Proto https
    ProxyPassMatch "(?i)^(/(autodiscover/|mail/|profile.mobileconfig|.well-known/(autoconfig/|mail-v1)).*)" \
"http://127.0.0.1:{port}$1"
    ProxyPassMatch "^(/(dav/|SOGo/dav/|(?:cloud/|nextcloud/)?remote.php/dav/|jmap/|\
.well-known/(caldav|carddav|jmap)).*)" \
"http://127.0.0.1:{port}$1"
    # Webmail and account page for all the world (with Apache 2.4.47 and later, for the websockets of the webmail):
    # ProxyPass / http://127.0.0.1:{port}/ upgrade=websocket
</VirtualHost>
"""

TEXTS: Final[dict[Kind, str]] = {"nginx": NGINX, "caddy": CADDY, "apache": APACHE}


# Programs that use the ports of this machine before the server does (ADMIN-29, 33).


def open_ports() -> list[int]:
    """The ports that firewalls must let in, as docs/first-hour.md and docs/vps.md list them."""
    return sorted((*MAIL_PORTS, *WEB_PORTS))


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

    async def knock(ip: str, port: int) -> None:
        try:
            dialed = await dial([ip_address(ip)], port, inside=True, seconds=SECONDS)
        except DialError:
            return
        answered.add((ip, port))
        await trio.aclose_forcefully(dialed.stream)

    with trio.move_on_after(SECONDS):
        async with trio.open_nursery() as nursery:
            for ip, port in {*wanted, *((ip, port) for ip in outside for port in WEB_PORTS)}:
                nursery.start_soon(knock, ip, port)
    warnings = []
    ports = sorted({port for ip, port in wanted if (ip, port) in answered})
    if ports:
        taken = [await trio.to_thread.run_sync(look, ip_address("::"), port) for port in ports]
        listing = ", ".join(map(_held, taken))
        text = f"the server can't start while other programs use these ports: {listing}; {_ending(taken)}"
        web = not other_web and set(ports) & set(WEB_PORTS)
        warnings.append(f"{text}, or to keep a web server, use --existing-webserver" if web else text)
        warnings += [port.advice for port in taken if port.advice]
    if other_web and not any(port == 443 for _, port in answered):
        warnings.append("couldn't find a web server on port 443 here")
    return warnings


def _held(taken: Taken) -> str:
    return f"{taken.port} by {taken.holder}" if taken.holder else f"{taken.port} (`ss -ltnp` names it)"


def _ending(taken: Sequence[Taken]) -> str:
    commands = dict.fromkeys(port.command for port in taken if port.command)
    return f"stop them ({', '.join(f'`{command}`' for command in commands)})" if commands else "stop them"
