"""Mail of all kinds that a server sends, judged by SpamAssassin and rspamd with all rules that need no net, by dkimpy,
and by the lint of `tests.outgoingmail` (SMTP-190).

A rule that gives points must be in `EXPLAINED`, with the kinds of mail and the reason why it isn't of our making.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Final

import trio

from tests.campaigns._rspamd import Rspamd
from tests.campaigns.report import Finding, Report
from tests.outgoingmail import Sent, faults, is_sealed, send_all
from tests.tools import free_port, need

IP: Final = "5.45.100.10"
"""The address from which the mail comes: not one that is reserved for examples, which has rules of its own."""

SECONDS: Final = 300.0
"""For SpamAssassin; 15 are usual."""

NO_NET: Final = (".*", "the judge asks no DNS")
TEXT: Final = "the text of the test"
SENT_ON: Final = "redirect.*|forwarded|alias"

EXPLAINED: Final[Mapping[str, tuple[str, str]]] = {
    "ARC_REJECT": (SENT_ON, "the judge asks no DNS for the seal's key"),
    "AUTH_NA": NO_NET,
    "AUTH_NA_OR_FAIL": NO_NET,
    "BOUNCE_NO_AUTH": NO_NET,
    "HFILTER_FROMHOST_NORES_A_OR_MX": NO_NET,
    "HFILTER_HELO_IP_A": NO_NET,
    "HFILTER_HELO_NORES_A_OR_MX": NO_NET,
    "HFILTER_HOSTNAME_UNKNOWN": NO_NET,
    "RDNS_NONE": NO_NET,
    "FORGED_SENDER": (SENT_ON, "the path is ours, by SRS, and From the author's"),
    "HEADER_FROM_DIFFERENT_DOMAINS": (f"{SENT_ON}|bounce", "the path is ours, by SRS, and From the author's"),
    "HFILTER_URL_ONLY": ("longword", TEXT),
    "LONG_HEX_URI": ("longword", TEXT),
    "LONG_SUBJ": ("longsubject", TEXT),
    "HTML_IMAGE_ONLY_04": ("htmlpicture", TEXT),
    "HTML_MESSAGE": (".*", "says that there is HTML; SpamAssassin gives it no points of weight"),
    "HTML_MIME_NO_HTML_TAG": ("vacationmime", TEXT),
    "MIME_HTML_ONLY": ("vacationmime", TEXT),
    "MIME_BASE64_TEXT": (".*", "text that is mostly above ASCII, and attached files"),
    "MPART_ALT_DIFF_COUNT": ("apihtml", TEXT),
    "R_PARTS_DIFFER": ("htmlpicture|apihtml", TEXT),
    "R_MIXED_CHARSET": (".*", "a guess by one word with an umlaut among English ones, such as a name"),
    "ONCE_RECEIVED": (".*", "it's the first host"),
    "RCVD_NO_TLS_LAST": (".*", "the test's programs don't use TLS"),
    "SUSPICIOUS_RECIPS": ("many", "guest1, guest2 and so on are alike"),
    "RCVD_ILLEGAL_IP": (SENT_ON, "the author's host has an address for examples"),
    "TVD_SPACE_RATIO": ("submittedbcc", TEXT),
    "XM_UA_NO_VERSION": (".*", "on purpose: a version tells strangers which faults a server has"),
}
"""By rule: the kinds of mail that it may hit, as a pattern, and the reason."""

STATUS: Final = re.compile(r"^X-Spam-Status: .*?tests=((?:[A-Z0-9_,]|\n\t)*)", re.MULTILINE)
NUMBER: Final = re.compile(r"with ESMTPS id kind-(\d+);")


def received(number: int, sender: str, octets: bytes) -> bytes:
    """A message as the next host has it, which numbers it."""
    return (
        f"Return-Path: <{sender}>\r\nReceived: from mx.example.org (mx.example.org [{IP}])\r\n"
        f"\tby mx.far.example with ESMTPS id kind-{number}; {formatdate()}\r\n"
    ).encode() + octets


def spamassassin(folder: Path, sent: Sent) -> Iterator[tuple[str, str]]:
    """Kinds of mail, and rules of SpamAssassin that hit them. It reads a mailbox in an order of its own."""
    kinds = list(sent)
    with (folder / "mbox").open("wb") as mbox:
        for number, (line, octets) in enumerate(sent.values()):
            lines = received(number, line.sender, octets).replace(b"\r\n", b"\n")
            mbox.write(b"From x@y Mon Nov 30 12:00:00 2026\n" + re.sub(rb"(?m)^From ", b">From ", lines) + b"\n")
    command = [need("spamassassin"), "--local", "--mbox", "--siteconfigpath=/etc/spamassassin", str(folder / "mbox")]
    done = subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, env={"HOME": str(folder)})
    judged = 0
    for message in re.split(r"(?m)^From x@y ", done.stdout.decode("latin-1"))[1:]:
        place, status = NUMBER.search(message), STATUS.search(message)
        if place is None or status is None:
            raise Finding(f"SpamAssassin's answer has no number or no status: {message[:500]}")
        judged += 1
        for rule in re.findall(r"\w+", status[1]):
            yield kinds[int(place[1])], rule
    if judged != len(sent):
        raise Finding(f"SpamAssassin has judged {judged} of {len(sent)} messages")


def rspamd(folder: Path, sent: Sent) -> Iterator[tuple[str, str]]:
    """Kinds of mail, and symbols of rspamd that give them points."""
    with Rspamd(folder, "", free_port(), all_rules=True) as judge:
        for kind, (line, octets) in sent.items():
            scores = judge.scores(octets, IP, "mx.example.org", line.sender, line.recipient)
            yield from ((kind, symbol) for symbol, score in scores.items() if score > 0)


def run(seed: int, share: float, report: Report) -> None:
    """Send and judge; the seed and the share change nothing."""
    hits: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="outgoing", dir="/tmp") as name:  # for paths of sockets, short
        folder = Path(name)
        folder.chmod(0o755)
        sent = trio.run(send_all, folder / "server")
        for kind, (_, octets) in sent.items():
            wrong += [f"{kind}: {line}" for line in faults(octets)]
            if not is_sealed(octets):
                wrong.append(f"{kind}: neither a signature nor a seal is valid for dkimpy")
        judges = {"spamassassin": spamassassin, "rspamd": rspamd}
        asked = [judge for judge in judges if shutil.which(judge) is not None]
        for judge in asked:
            for kind, rule in judges[judge](folder, sent):
                kinds, _ = EXPLAINED.get(rule, ("", ""))
                if re.fullmatch(kinds, kind):
                    hits[f"{judge}, {rule}"] += 1
                else:
                    wrong.append(f"{kind}: {judge} says {rule}")
    missing = "".join(f"; {judge} not installed" for judge in judges if judge not in asked)
    report.tell(f"{len(sent)} kinds of mail judged by a lint, dkimpy, {' and '.join(asked) or 'no filter'}{missing}")
    for words, count in sorted(hits.items()):
        report.tell(f"{words}: {count}: {EXPLAINED[words.partition(', ')[2]][1]}")
    if wrong:
        raise Finding("\n".join(wrong))
