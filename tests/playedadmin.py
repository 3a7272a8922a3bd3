"""Answers of the admin API about what a server on one machine doesn't have: other servers, backups, a move.

By call; for tests and pictures that look at pages with rows. Times are a little before now.
"""

import json
import time
from typing import Any, Final

from playwright.sync_api import Page, Route

__all__ = ["play"]

HOUR: Final = 3_600_000_000
"""µs."""

LONG: Final = "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents more of it"

FINDINGS: Final = [
    ("backup-none", "No backups are made.", "If this disk fails, all mail is gone.", ["moxlite backup --help"]),
    ("disk-low", "4.2 GB free on /var/lib/moxlite", "The server stops taking mail at 1 GB.", []),
    ("listed", "203.0.113.9 is on the block list zen.far.example", "", ["https://check.far.example/203.0.113.9"]),
]

EVENTS: Final = [
    ("delivery", "delivered", "ben", "ann@far.example", "ben@hill.example", "mx.far.example [198.51.100.7]", "known"),
    ("login", "refused", "", "mallory@far.example", "imap", "203.0.113.77", "wrong password"),
    ("send", "later", "ben", "ben@hill.example", "user12@far.example", "", LONG),
    ("delivery", "junk", "ben", "shop@very-long-newsletter-domain.example", "ben@hill.example", "203.0.113.5", "0.98"),
]


def topic(name: str, now: int, *, errors: tuple[str, ...] = (), todo: tuple[str, ...] = ()) -> dict[str, Any]:
    """A check of DNS that has ended."""
    rest = {"running": False, "warnings": [], "unused": False, "found": [f"record of {name}"]}
    return {"topic": name, "at": now - HOUR, "errors": errors, "instructions": todo} | rest


def answers() -> dict[str, Any]:
    """The answers by call."""
    now = time.time_ns() // 1000
    day = 24 * HOUR
    spf = 'Add this record:\nhill.example. TXT "v=spf1 mx ip4:203.0.113.9 -all"'
    moves = [("ben", "done", "", 12345, 0), ("margaret", "running", "copying Archive/2019", 4321, 1)]
    stage = {"since": "", "until": "", "stopped": False, "todo": [], "problem": "no answer of ns1.far.example"}
    return {
        "move_status": {
            "phase": "running",
            "kind": "imap",
            "rate": 41.3,
            "seconds": 5400,
            "problems": [],
            "accounts": [
                {"address": f"{name}@hill.example", "account": name, "phase": phase, "step": step, "left": 0}
                | {"messages": messages, "problems": ["message 812 is damaged"] * bad, "problem_count": bad}
                for name, phase, step, messages, bad in moves
            ],
        },
        "transport_list": [
            {"name": "relay", "method": "submissions", "used": ["all mail"], "settings": {"host": "smtp.far.example"}},
            {"name": "never", "method": "fail", "used": [], "settings": {"message": "no mail from here"}},
        ],
        "own_addresses": {
            "hostname": "mail.hill.example",
            "known": True,
            "asks": False,
            "ips": ["203.0.113.9", "2001:db8:85a3::8a2e:370:7334"],
            "refusing": [],
            "listings": [
                {"zone": "zen.far.example", "ip": "203.0.113.9", "status": "fail", "at": now - HOUR}
                | {"explanation": "listed for a bot", "problem": ""},
            ],
        },
        "backups": {
            "target": "sftp://backup@nas.hill.example/backups/moxlite",
            "interval": day,
            "keep_daily": 14,
            "keep_weekly": 8,
            "encrypted": False,
            "last": now - HOUR,
            "running": False,
            "problem": "",
            "run": {"began": now - 2 * HOUR, "ended": now - HOUR, "octets": 8_200_000_000, "stored": 41_000_000}
            | {"errors": [], "warnings": ["1 message file was gone"], "left_out": ["dkim/hill.example.pem"]},
            "snapshots": [
                {
                    "id": f"2026112{ago}T031200Z-7f3a",
                    "created": now - ago * day,
                    "files": 41233,
                    "octets": 8_200_000_000,
                }
                for ago in range(3)
            ],
        },
        "second_machine": {"target": "s3://pair", "lease": True, "well": False, "words": ["12 changes wait."]},
        "dns_provider_show": {"provider": "desec", "title": "deSEC", "zone": "", "enforce": True, "published": now},
        "dns_rotation_show": {
            "domain": "hill.example",
            "stage": "resting",
            "words": "a key signs",
            "new": "",
            "old": [],
        }
        | stage,
        "dns_host_key_show": [
            {"host": "mail.hill.example", "stage": "waiting", "words": "a certificate follows", "made_here": True}
            | stage
        ],
        "dns_reports": [
            topic("iprev", now, errors=("203.0.113.9 has no name",)),
            topic("spf", now, errors=("no record",), todo=(spf,)),
            topic("dmarc", now),
        ],
        "dns_plan": {
            "lines": ["+"],
            "groups": [
                {
                    "title": "Rules",
                    "rules": True,
                    "lines": ["+ _dmarc.hill.example. TXT v=DMARC1;p=reject;rua=mailto:dmarcreports@hill.example!10m"],
                }
            ],
            "notes": ["www.hill.example. A 192.0.2.80 stays"],
        },
        "config_domain_peer_show": {
            "domain": "hill.example",
            "disabled": False,
            "takes_all": True,
            "messages": 41,
            "elsewhere": [],
            "hosts": [
                {"host": "mx.old.example", "addresses": ["192.0.2.1"], "tls": True, "problem": ""},
                {"host": "mx2.old.example", "addresses": [], "tls": False, "problem": "no answer within 30 s"},
            ],
        },
    }


def play(page: Page) -> None:
    """Give a page of the admin app these answers, findings on its overview, and events on its live view."""
    found = answers()

    def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name in found:
            route.fulfill(json={"result": found[name]})
        elif name == "overview":
            told = route.fetch().json()
            rest = {"grade": "warning", "about": "", "file": "", "line": 0}
            told["result"] |= {
                "flow": "slow",
                "findings": [
                    {"code": code, "text": text, "detail": detail, "commands": commands} | rest
                    for code, text, detail, commands in FINDINGS
                ],
            }
            route.fulfill(json=told)
        else:
            route.continue_()

    def stream(route: Route) -> None:
        names = ("kind", "outcome", "account", "who", "to", "remote", "text")
        rest = {"at": time.time_ns() // 1000, "cid": "", "message_id": "", "queue_id": 0}
        events = [{"id": n + 1} | dict(zip(names, one, strict=True)) | rest for n, one in enumerate(EVENTS)]
        told = json.dumps({"found": events, "missed": 0, "last": len(events)})
        route.fulfill(content_type="text/event-stream", body=f"data: {told}\n\n")

    page.route("**/admin/api/*", answer)
    page.route("**/admin/live?*", stream)
