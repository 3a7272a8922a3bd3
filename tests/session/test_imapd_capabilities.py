"""What is announced has tests: for each capability of IMAP-36 the module that they are in."""

from pathlib import Path

import msgspec
import pytest

from moxlite.imapd import Context
from moxlite.net.tls.certificates import self_signed
from moxlite.net.tls.handshake import ServerTLS
from moxlite.proto.imap.reading.extensions import NEVER
from tests.session.imapd_harness import Imap, imap

__all__ = ["imap"]

# Capability: module below tests/session, and what its transcripts use of it.
MODULES = {
    "IMAP4rev2": ("basic", "IMAP4rev2"),
    "IMAP4rev1": ("basic", "IMAP4rev1"),
    "ENABLE": ("basic", "ENABLE"),
    "LITERAL+": ("append", "+}"),
    "IDLE": ("view", ".idle()"),
    "SASL-IR": ("auth", "AUTHENTICATE PLAIN {"),
    "BINARY": ("fetch", "BINARY.PEEK"),
    "UNSELECT": ("select", "UNSELECT"),
    "UIDPLUS": ("store", "UID EXPUNGE"),
    "ESEARCH": ("search", "RETURN (MIN"),
    "SEARCHRES": ("search", "RETURN (SAVE)"),
    "MOVE": ("store", "MOVE "),
    "UTF8=ACCEPT": ("fetch", "UTF8=ACCEPT"),
    "LIST-EXTENDED": ("mailboxes", "RECURSIVEMATCH"),
    "CHILDREN": ("mailboxes", r"\HasNoChildren"),
    "SPECIAL-USE": ("mailboxes", "SPECIAL-USE"),
    "CREATE-SPECIAL-USE": ("mailboxes", "(USE ("),
    "LIST-STATUS": ("mailboxes", "STATUS (MESSAGES"),
    "LIST-METADATA": ("metadata", "RETURN (METADATA"),
    "NAMESPACE": ("basic", "NAMESPACE"),
    "ID": ("basic", "ID ("),
    "CONDSTORE": ("select", "CONDSTORE"),
    "QRESYNC": ("select", "QRESYNC"),
    "STATUS=SIZE": ("mailboxes", "SIZE"),
    "APPENDLIMIT": ("mailboxes", "APPENDLIMIT"),
    "SAVEDATE": ("search", "SAVED"),
    "WITHIN": ("search", "YOUNGER"),
    "QUOTA": ("quota", "GETQUOTAROOT"),
    "QUOTA=RES-STORAGE": ("quota", "STORAGE"),
    "METADATA": ("metadata", "SETMETADATA"),
    "MULTIAPPEND": ("append", "APPENDUID"),
    "REPLACE": ("append", "REPLACE"),
    "PREVIEW": ("fetch", "PREVIEW (LAZY)"),
    "INPROGRESS": ("sort", "INPROGRESS"),
    "MULTISEARCH": ("multisearch", "ESEARCH IN"),
    "NOTIFY": ("notify", "NOTIFY SET"),
    "UIDONLY": ("uidonly", "UIDONLY"),
    "COMPRESS=DEFLATE": ("compress", "COMPRESS DEFLATE"),
    "OBJECTID": ("search", "EMAILID"),
    "PARTIAL": ("fetch", "PARTIAL"),
    "UIDBATCHES": ("messagelimit", "UIDBATCHES"),
    "SORT": ("sort", "SORT ("),
    "SORT=DISPLAY": ("sort", "DISPLAYFROM"),
    "ESORT": ("sort", "SORT RETURN"),
    "THREAD=REFERENCES": ("sort", "REFERENCES"),
    "THREAD=ORDEREDSUBJECT": ("sort", "ORDEREDSUBJECT"),
    "CATENATE": ("catenate", "CATENATE"),
    "JMAPACCESS": ("basic", "GETJMAPACCESS"),
    "MESSAGELIMIT": ("messagelimit", "MESSAGELIMIT"),
    "SAVELIMIT": ("messagelimit", "SAVELIMIT"),
    "ACL": ("shared", "SETACL"),
    "RIGHTS=kxte": ("shared", "bo -te"),
    "LIST-MYRIGHTS": ("shared", "RETURN (MYRIGHTS"),
    "STARTTLS": ("tls", "STARTTLS"),
    "LOGINDISABLED": ("basic", "LOGINDISABLED"),
    "AUTH=PLAIN": ("auth", "AUTHENTICATE PLAIN"),
    "AUTH=CRAM-MD5": ("auth", "CRAM-MD5"),
    "AUTH=SCRAM-SHA-1": ("auth", "SCRAM-SHA-1"),
    "AUTH=SCRAM-SHA-256": ("auth", "SCRAM-SHA-256"),
    "AUTH=SCRAM-SHA-1-PLUS": ("tls", "-PLUS"),
    "AUTH=SCRAM-SHA-256-PLUS": ("tls", "SCRAM-SHA-256-PLUS"),
    "AUTH=EXTERNAL": ("tls", "EXTERNAL"),
}


@pytest.mark.parametrize("capability", MODULES)
def test_a_capability_has_a_module_that_uses_it(capability: str) -> None:
    """IMAP-175"""
    module, words = MODULES[capability]
    text = (Path(__file__).parent / f"test_imapd_{module}.py").read_text()
    assert words in text


@pytest.mark.served
async def test_whatever_is_announced_has_a_module(imap: Imap, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAP-36, IMAP-175: with TLS and without, with all that the operator can switch on."""
    monkeypatch.setattr(Context, "message_limit", 1000)
    monkeypatch.setattr(Context, "save_limit", 1000)
    monkeypatch.setattr(Context, "jmap_url", "https://mail.example.org/.well-known/jmap")
    starttls = msgspec.structs.replace(imap.context, starttls=ServerTLS([self_signed(["localhost"])]))
    announced: set[str] = set()
    for facts, context in ((imap.info().tls, imap.context), (None, starttls)):
        async with imap.connect(tls=facts, context=context) as c:
            announced |= set((await c.ok("a CAPABILITY"))[0].split()[2:])
    names = {
        name.partition("=")[0] if name.startswith(("APPENDLIMIT=", "MESSAGELIMIT=", "SAVELIMIT=")) else name
        for name in announced
    }
    assert names <= MODULES.keys()
    assert MODULES.keys() - names <= {"AUTH=SCRAM-SHA-1-PLUS", "AUTH=SCRAM-SHA-256-PLUS", "AUTH=EXTERNAL"}  # real TLS


@pytest.mark.parametrize(("extension", "words"), [(name, words) for name, (_, words) in NEVER.items()])
async def test_commands_of_extensions_that_are_never_offered(
    imap: Imap, extension: str, words: tuple[str, ...]
) -> None:
    """IMAP-36, IMAP-164: BAD with the name of the extension, which no list announces; search keys and return options
    of such extensions are BAD, too.
    """
    async with imap.connect() as c:
        await c.login()
        assert extension not in (await c.ok("a CAPABILITY"))[0].upper().replace("=", " ").split()
        for word in words:
            answer = await c.tagged(f"b {word} x")
            assert answer.startswith("BAD")
            assert f"the extension {extension} isn't offered" in answer
        await c.ok("c SELECT Inbox")
        for program in ("FILTER x", "RETURN (CONTEXT) ALL", "RETURN (UPDATE) ALL"):
            assert (await c.tagged(f"d SEARCH {program}")).startswith("BAD")
