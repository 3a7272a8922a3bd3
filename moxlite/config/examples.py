"""Examples for ``moxlite config example``: pieces to copy into configuration files of moxlite and of other programs."""

import json
from collections.abc import Mapping
from typing import Final, NamedTuple

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
# config/moxlite.toml: a smarthost, for networks that block port 25; port 465, or for 587 with STARTTLS:
# [transports.smarthost.submission]
[transports.smarthost.submissions]
host = "smtp.example.com"
auth = { username = "you@example.org", password = "secret", mechanisms = ["SCRAM-SHA-256", "PLAIN"] }

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

# DNS: SPF of your domain must name the smarthost, as its provider says: v=spf1 mx include:spf.example.com -all
# Then: moxlite config test && systemctl restart moxlite
#       moxlite queue explain someone@gmail.com --from you@example.org --connect
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


# Alert rules for Prometheus and a dashboard for Grafana, as ``moxlite config example`` prints them (ADMIN-58).
#
# Each metric used here is in /metrics of a server that has received and sent mail.


class Alert(NamedTuple):
    """One alert rule. lasts: how long the expression must hold before the alert fires; about: its text, with
    Prometheus' templates.
    """

    name: str
    severity: str
    expr: str
    lasts: str
    about: str


RULES: Final = (
    Alert("MoxliteDown", "error", 'up{job="moxlite"} == 0', "5m", "The server does not answer at its metrics port."),
    Alert(
        "MoxlitePanic",
        "error",
        "sum by (instance, pkg) (increase(moxlite_panic_total[15m])) > 0",
        "0m",
        "An unexpected exception in {{ $labels.pkg }}; the log has its traceback.",
    ),
    Alert(
        "MoxliteTaskFails",
        "error",
        "sum by (instance, pkg, task) (increase(moxlite_task_failures_total[15m])) > 2",
        "0m",
        "The task {{ $labels.pkg }}.{{ $labels.task }} fails again and again.",
    ),
    Alert(
        "MoxliteCertificateNotOrdered",
        "warning",
        "increase(moxlite_autotls_cert_request_errors_total[6h]) > 3",
        "0m",
        "Certificates cannot be ordered; moxlite doctor has the words of the CA.",
    ),
    Alert(
        "MoxliteCertificateEnding",
        "error",
        "(moxlite_tls_cert_not_after_seconds - time()) / "
        "(moxlite_tls_cert_not_after_seconds - moxlite_tls_cert_not_before_seconds) < 0.25",
        "1h",
        "Less than a quarter of the lifetime of the certificate for {{ $labels.host }} is left.",
    ),
    Alert(
        "MoxliteOnBlockList",
        "error",
        "moxlite_dnsbl_ips_success == 0",
        "10m",
        "{{ $labels.ip }} is on the block list {{ $labels.zone }}.",
    ),
    Alert(
        "MoxliteDeliveryDrags",
        "warning",
        "sum by (instance) "
        '(increase(moxlite_queue_delivery_duration_seconds_count{attempt=~"[4-9]|[1-9][0-9]"}[1h])) > 0',
        "0m",
        "Messages needed a fourth attempt or more: moxlite queue list shows the errors.",
    ),
    Alert(
        "MoxliteDeliveryErrors",
        "warning",
        'sum by (instance) (increase(moxlite_queue_delivery_duration_seconds_count{result!="ok"}[1h])) > 10 and '
        'sum by (instance) (increase(moxlite_queue_delivery_duration_seconds_count{result!="ok"}[1h])) > '
        "0.5 * sum by (instance) (increase(moxlite_queue_delivery_duration_seconds_count[1h]))",
        "0m",
        "More than half of the attempts of an hour have failed.",
    ),
    Alert(
        "MoxliteQueueStuck",
        "warning",
        "moxlite_queue_oldest_seconds > 3600",
        "10m",
        "A message has been due for an hour and is not tried.",
    ),
    Alert(
        "MoxliteAccountStopped",
        "warning",
        "moxlite_queue_stopped > 0",
        "0m",
        "An account is stopped, as if a stranger sent with it: moxlite queue guard list shows it.",
    ),
    Alert("MoxliteOnHold", "info", "moxlite_queue_hold > 0", "2h", "Messages are on hold."),
    Alert(
        "MoxliteSMTPErrors",
        "warning",
        'sum by (instance, kind) (increase(moxlite_smtpd_command_duration_seconds_count{code=~"45[12]"}[1h])) > 10',
        "0m",
        "SMTP commands ({{ $labels.kind }}) are answered with faults of the server.",
    ),
    Alert(
        "MoxliteSubmissionErrors",
        "warning",
        'sum by (instance, result) (increase(moxlite_smtpd_submission_total{result=~"queueerror|signerror"}[1h])) > 0',
        "0m",
        "Users' mail is refused for a fault of the server ({{ $labels.result }}).",
    ),
    Alert(
        "MoxliteWebErrors",
        "warning",
        'sum by (instance, handler) (increase(moxlite_httpserver_request_duration_seconds_count{code=~"5.."}[1h])) > 3',
        "0m",
        "{{ $labels.handler }} answers with errors of the server.",
    ),
    Alert(
        "MoxliteSTARTTLSFails",
        "warning",
        "sum by (instance) (increase(moxlite_smtpd_starttls_errors_total[6h])) > 10 and "
        "sum by (instance) (increase(moxlite_smtpd_starttls_errors_total[6h])) > "
        "0.1 * sum by (instance) (increase(moxlite_smtpd_starttls_total[6h]))",
        "0m",
        "More than a tenth of the TLS handshakes after STARTTLS fail.",
    ),
    Alert(
        "MoxliteNoMail",
        "warning",
        "sum by (instance) (increase(moxlite_smtpd_delivery_total[6h])) == 0",
        "0m",
        "Nothing was delivered for six hours.",
    ),
    Alert(
        "MoxliteLogInsRefused",
        "info",
        "sum by (instance, kind) (increase(moxlite_authentication_ratelimited_total[1h])) > 50",
        "0m",
        "Passwords are guessed over {{ $labels.kind }}.",
    ),
    Alert(
        "MoxliteDiskLow",
        "error",
        "moxlite_disk_free_bytes / moxlite_disk_size_bytes < 0.1",
        "10m",
        "Less than a tenth of the disk with the data is free.",
    ),
    Alert(
        "MoxliteMailRefusedForSpace", "error", "increase(moxlite_store_full_total[10m]) > 0", "0m", "The disk is full."
    ),
    Alert(
        "MoxliteDatabaseBroken",
        "error",
        "moxlite_store_broken > 0",
        "0m",
        "Databases cannot be used as they should; moxlite doctor names the accounts.",
    ),
    Alert(
        "MoxliteBackupOld",
        "error",
        "moxlite_backup_last_success_timestamp_seconds > 0 and "
        "time() - moxlite_backup_last_success_timestamp_seconds > 172800",
        "0m",
        "No scheduled backup has succeeded for two days.",
    ),
    Alert(
        "MoxliteConfigInvalid",
        "warning",
        "moxlite_config_reload_success == 0",
        "10m",
        "domains.toml is invalid, the old one is in use: moxlite config test.",
    ),
    Alert(
        "MoxliteSlow", "warning", "moxlite_event_loop_lag_seconds > 0.5", "15m", "The server is busy for half a second."
    ),
)


def _rule(alert: Alert) -> str:
    """The rule as YAML. JSON strings are YAML strings."""
    return (
        f"      - alert: {alert.name}\n"
        f"        expr: {json.dumps(alert.expr)}\n"
        f"        for: {alert.lasts}\n"
        f"        labels: {{severity: {alert.severity}}}\n"
        f"        annotations: {{summary: {json.dumps(alert.about)}}}\n"
    )


ALERTS: Final = (
    "# /etc/prometheus/moxlite.rules.yml, named in rule_files of prometheus.yml\n"
    "groups:\n  - name: moxlite\n    rules:\n" + "".join(map(_rule, RULES))
)

COLUMNS: Final = 2
HEIGHT: Final = 8
"""Height of a panel in Grafana's grid units; a row is 24 units wide."""


class Panel(NamedTuple):
    """One graph: title, unit as Grafana names it, and series as (expression, legend)."""

    title: str
    unit: str
    series: tuple[tuple[str, str], ...]


PANELS: Final = (
    Panel(
        "Mail in",
        "short",
        (("sum by (result) (increase(moxlite_smtpd_delivery_total[$__rate_interval]))", "{{result}}"),),
    ),
    Panel(
        "Attempts out",
        "short",
        (
            (
                "sum by (result) (increase(moxlite_queue_delivery_duration_seconds_count[$__rate_interval]))",
                "{{result}}",
            ),
        ),
    ),
    Panel("Queue", "short", (("moxlite_queue_size", "messages"), ("moxlite_queue_hold", "on hold"))),
    Panel("Longest due", "s", (("moxlite_queue_oldest_seconds", "due for"),)),
    Panel(
        "Submitted",
        "short",
        (("sum by (result) (increase(moxlite_smtpd_submission_total[$__rate_interval]))", "{{result}}"),),
    ),
    Panel(
        "Log-ins",
        "short",
        (("sum by (kind, result) (increase(moxlite_authentication_total[$__rate_interval]))", "{{kind}} {{result}}"),),
    ),
    Panel("Sessions", "short", (("moxlite_imap_sessions", "IMAP"), ("moxlite_connections_count", "{{pkg}}"))),
    Panel(
        "Checks of senders",
        "short",
        (("sum by (method, result) (increase(moxlite_mailauth_total[$__rate_interval]))", "{{method}} {{result}}"),),
    ),
    Panel(
        "Web requests",
        "reqps",
        (
            (
                "sum by (code) (rate(moxlite_httpserver_request_duration_seconds_count[$__rate_interval]))",
                "{{code}}",
            ),
        ),
    ),
    Panel(
        "Commit, 99 %",
        "s",
        (
            (
                "histogram_quantile(0.99, sum by (le) (rate(moxlite_store_commit_seconds_bucket[$__rate_interval])))",
                "commit",
            ),
        ),
    ),
    Panel("Event loop busy", "s", (("moxlite_event_loop_lag_seconds", "longest"),)),
    Panel("Memory", "bytes", (("process_resident_memory_bytes", "resident"),)),
    Panel("Disk free", "bytes", (("moxlite_disk_free_bytes", "free"),)),
    Panel("Certificates end in", "s", (("moxlite_tls_cert_not_after_seconds - time()", "{{host}}"),)),
    Panel(
        "Errors in the log",
        "short",
        (("sum by (pkg) (increase(moxlite_logging_level_error_total[$__rate_interval]))", "{{pkg}}"),),
    ),
    Panel("Own addresses on block lists", "short", (("moxlite_dnsbl_ips_success", "{{zone}} {{ip}}"),)),
)
WIDTH: Final = 12


def dashboard() -> str:
    """A dashboard to import into Grafana, as JSON; it asks for the data source."""
    panels = []
    for number, panel in enumerate(PANELS):
        place = {"x": number % COLUMNS * WIDTH, "y": number // COLUMNS * HEIGHT, "w": WIDTH, "h": HEIGHT}
        targets = [
            {"refId": chr(ord("A") + at), "expr": expr, "legendFormat": legend}
            for at, (expr, legend) in enumerate(panel.series)
        ]
        panels.append(
            {
                "id": number + 1,
                "title": panel.title,
                "type": "timeseries",
                "datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"},
                "gridPos": place,
                "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
                "targets": targets,
            }
        )
    found = {
        "__inputs": [{"name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus"}],
        "title": "moxlite",
        "uid": "moxlite",
        "schemaVersion": 39,
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "1m",
        "panels": panels,
    }
    return json.dumps(found, indent=1) + "\n"


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
