"""Sealing: one more set of ARC fields for a message that is passed on (RFC 8617 §5.1; AUTH-111)."""

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import Final

import msgspec
import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moxlite.mailauth.arc.verify import MAX_SETS, ChainError, canonical, highest, read_chain, sealed_digest
from moxlite.mailauth.dkim.message import Message, SignedFields, hash_body, relaxed_field
from moxlite.mailauth.dkim.sign import FoldedField, PrivateKey, check_signable, sign_digest
from moxlite.mailauth.dkim.signature import unsigned
from moxlite.mailauth.results import ARCStatus
from moxlite.proto.address import Domain
from moxlite.proto.authresults import authserv_id
from moxlite.proto.mime.headers import HeaderSection

SEALED: Final = (
    "From", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "To", "Cc", "In-Reply-To", "References",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "DKIM-Signature",
)  # fmt: skip
"""Header fields that the signature of a set covers if the message has them."""


_ARC: Final = re.compile(r"arc\s*=\s*([a-z]+)", re.IGNORECASE)


class Sealer(msgspec.Struct, frozen=True, kw_only=True):
    """Domain, selector and key that seal a message. `names`: header fields that the signature covers, with From."""

    domain: Domain
    selector: str
    key: PrivateKey
    names: tuple[str, ...] = SEALED


def own_results(section: HeaderSection, hostname: str) -> list[str]:
    """The results in the Authentication-Results fields of `hostname` (A-labels), each as written, unfolded."""
    found: list[str] = []
    for field in section.all(b"authentication-results"):
        if authserv_id(field.text) == hostname:
            text = " ".join(field.text.decode("utf-8", "replace").split())
            found += [one.strip() for one in text.split(";")[1:] if one.strip()]
    return found


def recorded(results: Sequence[str]) -> ARCStatus | None:
    """The ARC verdict recorded in `results` on arrival, before local changes to the message; None without one.

    FAIL if there are several.
    """
    found = [match[1].lower() for result in results if (match := _ARC.match(result))]
    if len(found) != 1:
        return ARCStatus.FAIL if found else None
    return ARCStatus(found[0]) if found[0] in {"none", "pass", "fail"} else None


async def seal(
    message: Message, results: Sequence[str], hostname: str, sealer: Sealer, chain: ARCStatus, now: int
) -> bytes:
    """Return the three fields of a new set, newest first, each ending in CRLF, to prepend to the message.

    Returns b"" if the chain cannot be extended: its newest seal has ``cv=fail``, or it has `MAX_SETS` sets.

    Args:
      results: the results that `hostname` (A-labels) recorded for the message, from `own_results`.
      chain: verdict on the chain when the message arrived. A new seal on a failed chain covers its own set only
        (§5.1.2).
      now: seconds since 1970.

    Raises:
      SigningError: the message has not exactly one From field, or no whole header section.
      OSError: reading the body failed.
    """
    check_signable(message.section)
    return await trio.to_thread.run_sync(_seal, message, results, hostname, sealer, chain, now)


def _seal(message: Message, results: Sequence[str], hostname: str, sealer: Sealer, chain: ARCStatus, now: int) -> bytes:
    last, over = highest(message.section)
    instance = last + 1
    if over or instance > MAX_SETS:
        return b""
    before: list[tuple[bytes, ...]] = []
    cv = "none"
    if last:
        # Only a chain that was right when the message came is vouched for. One that had failed is sealed once more, by
        # a set that covers itself alone: so the next host knows where it broke, and nothing false is signed (§5.1.2).
        try:
            before = [canonical(arc_set) for arc_set in read_chain(message.section)] if chain is ARCStatus.PASS else []
        except ChainError:
            before = []
        cv = "pass" if before else "fail"
    text = FoldedField("ARC-Authentication-Results:")
    text.add(f" i={instance};", f" {hostname};")
    words = "; ".join(results or ["none"]).split()
    text.add(*[f" {word}" for word in words])
    aar = text.octets() + b"\r\n"
    ams = _message_signature(message, aar, instance, sealer, now)
    text = FoldedField("ARC-Seal:")
    text.add(f" i={instance};", f" cv={cv};", f" d={sealer.domain.ascii};", f" s={sealer.selector};")
    text.add(f" a={_algorithm(sealer.key)}-sha256;", f" t={now};", " b=")
    covered = [*before, (relaxed_field(aar), relaxed_field(ams))]
    digest = sealed_digest(covered, unsigned(text.octets(), "relaxed"))
    text.add(*base64.b64encode(sign_digest(sealer.key, "sha256", digest)).decode())
    return text.octets() + b"\r\n" + ams + aar


def _message_signature(message: Message, aar: bytes, instance: int, sealer: Sealer, now: int) -> bytes:
    section = HeaderSection(aar + message.section.octets + b"\r\n")
    names = [name for name in sealer.names if section.count(name.lower().encode())]
    body = hash_body(message.body(), {("relaxed", "sha256")})["relaxed", "sha256"]
    text = FoldedField("ARC-Message-Signature:")
    text.add(f" i={instance};", f" d={sealer.domain.ascii};", f" s={sealer.selector};")
    text.add(f" a={_algorithm(sealer.key)}-sha256;", " c=relaxed/relaxed;", f" t={now};")
    text.add(*[f"{' h=' * (at == 0)}{name}{':' if at < len(names) - 1 else ';'}" for at, name in enumerate(names)])
    text.add(f" bh={base64.b64encode(body).decode()};", " b=")
    digest = hashlib.sha256()
    for field in SignedFields(section).choose([name.lower().encode() for name in names], "relaxed"):
        digest.update(field)
    digest.update(unsigned(text.octets(), "relaxed"))
    text.add(*base64.b64encode(sign_digest(sealer.key, "sha256", digest.digest())).decode())
    return text.octets() + b"\r\n"


def _algorithm(key: PrivateKey) -> str:
    return "ed25519" if isinstance(key, Ed25519PrivateKey) else "rsa"
