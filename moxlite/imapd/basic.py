"""Commands that need no mailbox: CAPABILITY, NOOP, LOGOUT, ID, ENABLE, NAMESPACE, CHECK, COMPRESS (RFC 9051 §6.1,
§6.3.1, RFC 4978; IMAP-36..40, IMAP-134, IMAP-135).
"""

import logging
from typing import Final

from moxlite import __version__
from moxlite.imapd.session.errors import no
from moxlite.imapd.session.place import known_owners
from moxlite.imapd.session.state import Done, Enabled, Session
from moxlite.proto.imap import commands as c
from moxlite.proto.imap.responses import (
    CapabilityData,
    Code,
    Enabled as EnabledData,
    IdData,
    JmapAccessData,
    NamespaceData,
    State,
)
from moxlite.proto.sasl import NO_BINDINGS, announced
from moxlite.store.names import OTHERS
from moxlite.store.rows.mailboxes import mailbox_by_name

logger = logging.getLogger("moxlite.imapd")

_FIXED: Final = (
    # RFC 9051, 3501, 5161, 7888, 2177, 4959, 3516, 3691, 4315
    *("IMAP4rev2", "IMAP4rev1", "ENABLE", "LITERAL+", "IDLE", "SASL-IR", "BINARY", "UNSELECT", "UIDPLUS"),
    # RFC 4731, 5182, 6851, 6855, 5258, 3348, 6154
    *("ESEARCH", "SEARCHRES", "MOVE", "UTF8=ACCEPT", "LIST-EXTENDED", "CHILDREN", "SPECIAL-USE", "CREATE-SPECIAL-USE"),
    # RFC 5819, 2342, 2971, 7162, 8438
    *("LIST-STATUS", "NAMESPACE", "ID", "CONDSTORE", "QRESYNC", "STATUS=SIZE"),
    # RFC 8514, 5032, 3502, 8508, 8970, 9586, 8474, 9394, 10022
    *("SAVEDATE", "WITHIN", "MULTIAPPEND", "REPLACE", "PREVIEW", "UIDONLY", "OBJECTID", "PARTIAL", "UIDBATCHES"),
    # RFC 5256, 5957, 5267, 7377, 4469
    *("SORT", "SORT=DISPLAY", "ESORT", "THREAD=REFERENCES", "THREAD=ORDEREDSUBJECT", "MULTISEARCH", "CATENATE"),
    # RFC 9585, 5465
    *("INPROGRESS", "NOTIFY"),
    # RFC 9208, 5464, 9590, 4978
    *("QUOTA", "QUOTA=RES-STORAGE", "METADATA", "LIST-METADATA", "COMPRESS=DEFLATE"),
    # RFC 4314, 8440
    *("ACL", "RIGHTS=kxte", "LIST-MYRIGHTS"),
)
_BASE: Final = frozenset({"IMAP4REV1", "IMAP4REV2"})  # can't be disabled (IMAP-37)
_NOT_FOR_IMAP: Final = frozenset({"LOGIN"})  # SMTP's mechanism; IMAP has a command for it

_ENABLE: Final = {
    "IMAP4REV2": (Enabled.IMAP4REV2, "IMAP4rev2"),
    "UTF8=ACCEPT": (Enabled.UTF8, "UTF8=ACCEPT"),
    "CONDSTORE": (Enabled.CONDSTORE, "CONDSTORE"),
    "QRESYNC": (Enabled.QRESYNC, "QRESYNC"),
    "UIDONLY": (Enabled.UIDONLY, "UIDONLY"),
    "METADATA": (Enabled.METADATA, "METADATA"),
    "METADATA-SERVER": (Enabled.METADATA_SERVER, "METADATA-SERVER"),
}
_LIMITS: Final = ("MESSAGELIMIT=", "SAVELIMIT=")
_OF: Final = {
    "METADATA-SERVER": "METADATA",
    "LIST-METADATA": "METADATA",
    "QUOTA=RES-STORAGE": "QUOTA",
    "SORT=DISPLAY": "SORT",
    "ESORT": "SORT",
    "RIGHTS=KXTE": "ACL",
    "LIST-MYRIGHTS": "ACL",
}
"""Capabilities that are disabled together with another one."""


def capabilities(session: Session) -> tuple[str, ...]:
    """The capabilities of this connection (IMAP-36): the same before and after login, as some clients never ask
    again.
    """
    context = session.context
    names = [*_FIXED, f"APPENDLIMIT={context.append_limit}"]
    if context.message_limit:
        names.append(f"MESSAGELIMIT={context.message_limit}")
    if context.save_limit:
        names.append(f"SAVELIMIT={context.save_limit}")
    if context.jmap_url:
        names.append("JMAPACCESS")
    tls = session.info.tls
    if tls is not None or not context.require_tls:
        bindings = session.wire.bindings() if tls is not None else NO_BINDINGS
        names += [
            f"AUTH={name}"
            for name in context.logins.usable(
                announced(bindings, certificate=tls is not None and tls.peer_key is not None)
            )
            if name not in _NOT_FOR_IMAP
        ]
    else:
        names.append("LOGINDISABLED")
    if tls is None and context.starttls is not None:
        names.append("STARTTLS")
    return tuple([name for name in names if not _is_disabled(session, name)])


def _is_disabled(session: Session, name: str) -> bool:
    """Whether the account's owner has switched a capability off (IMAP-37)."""
    name = name.upper()
    name = name.partition("=")[0] if name.startswith(_LIMITS) else name
    return name not in _BASE and not session.login.disabled.isdisjoint((name, _OF.get(name, name)))


def capability_code(session: Session) -> Code:
    """``[CAPABILITY …]`` (IMAP-38)."""
    return Code("CAPABILITY", " ".join(capabilities(session)).encode())


async def capability(session: Session, command: c.Capability) -> Done:
    """Answer CAPABILITY."""
    session.respond(CapabilityData(capabilities(session)))
    return Done("CAPABILITY completed")


async def noop(session: Session, command: c.Noop) -> Done:
    """NOOP. The session itself sends what is new."""
    return Done("NOOP completed")


async def check(session: Session, command: c.Check) -> Done:
    """CHECK (RFC 3501 §6.4.1): nothing to do, each change is durable when it's acknowledged."""
    return Done("CHECK completed")


async def logout(session: Session, command: c.Logout) -> Done:
    """Answer LOGOUT, which ends the session."""
    session.respond(State("BYE", "logging out"))
    return Done("logged out")


async def identify(session: Session, command: c.Id) -> Done:
    """ID: remembered for the list of log-ins (IMAP-26); the version is for users only."""
    fields = {key.lower(): value for key, value in command.pairs if value}
    # Four fields and 200 characters: the text goes into lists and logs, and a stranger may choose it.
    known = ("name", "version", "os", "os-version")
    session.login.client = " ".join(fields[key] for key in known if key in fields)[:200]
    version = (("version", __version__),) if session.logged_in else ()
    session.respond(IdData((("name", "moxlite"), *version)))
    return Done("ID completed")


async def enable(session: Session, command: c.Enable) -> Done:
    """ENABLE (IMAP-39): unknown and disabled names are skipped."""
    before = session.extensions.enabled
    told: list[str] = []
    for name in command.capabilities:
        found = _ENABLE.get(name)
        if found is None or _is_disabled(session, name):
            continue
        flag, spelling = found
        if flag is Enabled.CONDSTORE:
            session.use_condstore()
        else:
            session.extensions.enable(flag)
        if not before & flag and spelling not in told:
            told.append(spelling)
    session.respond(EnabledData(tuple(told)))
    return Done("enabled")


async def namespace(session: Session, command: c.Namespace) -> Done:
    """NAMESPACE: the personal one, and the one of other users if some of them share mailboxes with this user (IMAP-69,
    IMAP-157).
    """
    home = session.home
    owners = await known_owners(session)
    if owners and await home.account.read(lambda r: mailbox_by_name(r, OTHERS), op="imap-namespace") is not None:
        kv = {"account": home.owner, "mailbox": OTHERS, "owners": " ".join(owners)}
        logger.warning("mailbox name hides other users' mailboxes", extra={"kv": kv})
        owners = []
    session.respond(NamespaceData(others=((f"{OTHERS}/", "/"),) if owners else ()))
    return Done("NAMESPACE completed")


async def jmap_access(session: Session, command: c.GetJmapAccess) -> Done:
    """GETJMAPACCESS (RFC 9698): the address of JMAP, which has the same ids as OBJECTID."""
    url = session.context.jmap_url
    settings = session.context.config.current.account(session.home.owner)
    if not url or (settings is not None and settings.no_jmap):
        raise no("JMAP isn't available")
    session.respond(JmapAccessData(url))
    return Done("GETJMAPACCESS completed")


async def compress(session: Session, command: c.Compress) -> Done:
    """COMPRESS: once, and DEFLATE only; compression begins after the OK."""
    if command.mechanism != "DEFLATE":
        raise no("unknown mechanism")
    if session.wire.compressed:
        raise no("compression is already active", "COMPRESSIONACTIVE")
    return Done("starting compression")


async def begin_compression(session: Session) -> None:
    """Compress both directions, after the OK of COMPRESS has been sent."""
    await session.wire.compress()
