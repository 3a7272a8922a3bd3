"""Another web server that keeps ports 80 and 443 of this machine: its configuration, and its certificates for mail
(ADMIN-33).

moxlite listens on a loopback port for it. The web server passes on the requests of mail programs and senders: settings
(autoconfig, autodiscover) and policies (MTA-STS).
"""

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

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
            raise CertificateError(f"cannot read {error.filename}: {error.strerror or error}") from None
        names += certificate_names(pair.leaf)
        if pair.leaf.not_valid_after_utc < dt.datetime.now(dt.UTC):
            warnings.append(f"the certificate in {certificate} has ended at {pair.leaf.not_valid_after_utc:%Y-%m-%d}")
    missing = [
        one for one in (hostname.ascii, f"mail.{domain.ascii}") if not any(name_matches(name, one) for name in names)
    ]
    if missing:
        warnings.append(
            f"no certificate is for {' and '.join(missing)}: mail programs and other servers will complain. Have one "
            "issued that is, or add another pair of files to tls.key_certs in moxlite.toml"
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
    return PUBLIC_PAGES.sub(lambda found: found[1] + found[2].replace("# ", ""), text) if publish else text


PUBLIC_PAGES: Final = re.compile(r"(# Webmail and account page for all the world.*:\n)((?: *# .*\n)+)")
"""Lines that are comments unless pages are published."""


NGINX: Final = """\
# /etc/nginx/conf.d/moxlite.conf
# The certificates need the names of their servers.
server {{
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name mta-sts.{domain} autoconfig.{domain} autodiscover.{domain};
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
mta-sts.{domain}, autoconfig.{domain}, autodiscover.{domain},
http://autoconfig.{domain}, http://autodiscover.{domain} {{
    reverse_proxy 127.0.0.1:{port}
}}
# Where you have sites for these names already, put the lines there.
{host}, mail.{domain} {{
    @settings path /autodiscover/* /mail/* /profile.mobileconfig /.well-known/autoconfig/* /.well-known/mail-v1.xml
    reverse_proxy @settings 127.0.0.1:{port}
    # Webmail and account page for all the world:
    # reverse_proxy 127.0.0.1:{port}
}}
"""

APACHE: Final = """\
# /etc/apache2/sites-available/moxlite.conf, then: a2enmod ssl proxy_http headers && a2ensite moxlite
# The certificates need the names of their hosts.
<VirtualHost *:443>
    ServerName mta-sts.{domain}
    ServerAlias autoconfig.{domain} autodiscover.{domain}
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
    # Webmail and account page for all the world (with Apache 2.4.47 and later, for the websockets of the webmail):
    # ProxyPass / http://127.0.0.1:{port}/ upgrade=websocket
</VirtualHost>
"""

TEXTS: Final[dict[Kind, str]] = {"nginx": NGINX, "caddy": CADDY, "apache": APACHE}
