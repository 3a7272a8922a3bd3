"""Examples for ``moxlite config example``: pieces to copy into configuration files of moxlite and of other programs."""

from collections.abc import Mapping
from typing import Final

from moxlite.config.monitoring import ALERTS, dashboard

MINIMAL: Final = """\
# config/moxlite.toml
hostname = "mail.example.org"

[postmaster]
account = "you"
mailbox = "Postmaster"

[listeners.public]
ips = ["0.0.0.0", "::"]
tls.key_certs = [{ cert_file = "mail.example.org.crt", key_file = "mail.example.org.key" }]
smtp.enabled = true
submissions.enabled = true
imaps.enabled = true
account_https.enabled = true
webmail_https.enabled = true

# config/domains.toml
[domains."example.org"]
localpart_separators = ["+"]

[accounts.you]
domain = "example.org"

[accounts.you.destinations."you@example.org"]
"""

TRANSPORT: Final = """\
# config/moxlite.toml: a smarthost, for networks that block port 25
[transports.smarthost.submissions]
host = "smtp.example.com"
auth = { username = "you@example.org", password = "secret" }

# config/domains.toml: use it for all mail to other servers
[[routes]]
transport = "smarthost"

# or only for one domain, once three attempts to deliver directly have failed
[[domains."example.org".routes]]
to_domain = ["example.net", ".example.net"]
minimum_attempts = 3
transport = "smarthost"

# or only for messages that a host has refused because it blocks the address of this server
[[routes]]
after = "blocked"
transport = "smarthost"
"""

PROMETHEUS: Final = """\
# prometheus.yml, with a listener that has metrics_http
rule_files:
  - moxlite.rules.yml   # moxlite config example alerts
scrape_configs:
  - job_name: moxlite
    static_configs:
      - targets: ["localhost:8010"]
"""

FAIL2BAN: Final = r"""# /etc/fail2ban/filter.d/moxlite.conf
[Definition]
# A user name may hold any text: the address is matched only directly after fields that the server itself writes.
failregex = \bm="authentication failed" pkg=\S+(?: cid=\S+)? remote=<HOST> protocol=

# /etc/fail2ban/jail.d/moxlite.conf
[moxlite]
enabled = true
backend = systemd
journalmatch = _SYSTEMD_UNIT=moxlite.service
filter = moxlite
maxretry = 10
findtime = 1h
port = smtp,submission,submissions,imap,imaps,http,https
"""

NGINX: Final = """\
# nginx in front of the web apps: a listener with account_http, webmail_http … on port 1080 and `forwarded = true`
server {
    listen 443 ssl;
    server_name mail.example.org;

    location / {
        proxy_pass http://127.0.0.1:1080;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_buffering off;        # events arrive as they happen
        proxy_read_timeout 1h;
        client_max_body_size 0;
    }
}
"""

EXAMPLES: Final[Mapping[str, tuple[str, str]]] = {
    "minimal": ("both files for one domain and one user", MINIMAL),
    "transport": ("sending through another server", TRANSPORT),
    "prometheus": ("scraping the metrics", PROMETHEUS),
    "alerts": ("alert rules for Prometheus", ALERTS),
    "dashboard": ("a dashboard for Grafana", dashboard()),
    "fail2ban": ("banning those who guess passwords", FAIL2BAN),
    "nginx": ("a reverse proxy for the web apps", NGINX),
}
"""Examples by name: purpose and text."""
