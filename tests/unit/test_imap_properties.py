"""Properties of the IMAP codecs: what is written is read back, any split gives the same events, nothing raises."""

import datetime as dt
import time
from array import array
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from imapclient import imap_utf7

from moxlite.proto.imap import commands as c, responses as r, search, seqset, utf7
from moxlite.proto.imap.client import ClientDecoder
from moxlite.proto.imap.encode import encode
from moxlite.proto.imap.errors import ProtocolError
from moxlite.proto.imap.fetchitems import Attribute, Binary, BinarySize, Body, Preview, Section
from moxlite.proto.imap.seqset import SAVED, STAR, SequenceSet
from moxlite.proto.imap.server import (
    NEED_DATA,
    BadCommand,
    Closed,
    Command,
    Event,
    LiteralChunk,
    LiteralRequest,
    ServerDecoder,
)
from moxlite.proto.imap.tokens import inbox
from moxlite.proto.imap.writing.write import Appended, append_item, append_start, encode_command

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# --- what goes into commands and responses

text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
name = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), min_size=1, max_size=10).map(inbox)
atom = st.from_regex(r"[A-Za-z][A-Za-z0-9.$-]{0,8}", fullmatch=True).filter(lambda word: word.upper() != "NIL")
upper = atom.map(str.upper)
flag = atom | atom.map(lambda word: "\\" + word)
flags = st.lists(flag, max_size=3).map(tuple)
number = st.integers(1, seqset.MAX_NUMBER)
modseq = st.integers(1, (1 << 63) - 1)
pair = st.tuples(number | st.just(STAR), number | st.just(STAR))
numbers = st.lists(pair, min_size=1, max_size=4).map(lambda pairs: SequenceSet(tuple(pairs))) | st.just(SAVED)
ranges = st.lists(st.tuples(number, number).map(lambda p: (min(p), max(p))), min_size=1, max_size=4).map(tuple)
date = st.dates(dt.date(1, 1, 2), dt.date(9999, 12, 30))
moment = st.builds(
    lambda naive, minutes: naive.replace(microsecond=0, tzinfo=dt.timezone(dt.timedelta(minutes=minutes))),
    st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2100, 1, 1)),  # noqa: DTZ001 - the offset comes second
    st.integers(-14 * 60, 14 * 60),
)
octets = st.binary(max_size=30)

part = st.lists(number, max_size=3).map(tuple)
partial = st.none() | st.tuples(st.integers(0, 1 << 62), st.integers(1, 1 << 62))
field = st.from_regex(r"[A-Za-z-]{1,9}", fullmatch=True)
section = (
    st.builds(Section, part, st.sampled_from(["", "HEADER", "TEXT"]))
    | st.builds(
        Section,
        part,
        st.sampled_from(["HEADER.FIELDS", "HEADER.FIELDS.NOT"]),
        st.lists(field, min_size=1, max_size=3).map(tuple),
    )
    | st.builds(Section, part.filter(bool), st.just("MIME"))
)
item = (
    st.sampled_from(Attribute)
    | st.builds(Body, section, st.booleans(), partial)
    | st.builds(Binary, part, st.booleans(), partial)
    | st.builds(BinarySize, part)
    | st.builds(Preview, st.booleans())
)
items = st.lists(item, min_size=1, max_size=4, unique=True).map(tuple)
page = st.tuples(number, number) | st.tuples(number, number).map(lambda p: (-p[0], -p[1]))
returns = st.none() | st.builds(
    search.Return,
    min=st.booleans(),
    max=st.booleans(),
    count=st.just(True),
    save=st.booleans(),
    partial=st.none() | page,
)
system = st.sampled_from([r"\Seen", r"\Answered", r"\Deleted", r"\Draft", r"\Flagged"])
key: st.SearchStrategy[search.SearchKey] = st.recursive(
    st.builds(search.FlagIs, system | atom, st.booleans())
    | st.builds(search.Header, field, text)
    | st.builds(search.BodyText, text)
    | st.builds(search.Text, text)
    | st.builds(search.DateIs, st.sampled_from(["internal", "sent", "saved"]), st.sampled_from(search.Comparison), date)
    | st.builds(search.Larger, st.integers(0, 1 << 40))
    | st.builds(search.Older, number)
    | st.builds(search.Sequence, numbers)
    | st.builds(search.Uids, numbers)
    | st.builds(search.ModSeqIs, modseq)
    | st.builds(search.EmailIdIs, atom)
    | st.sampled_from([search.AllMessages(), search.Recent(), search.SaveDateSupported()]),
    lambda inner: (
        st.builds(search.Not, inner)
        | st.builds(search.Or, inner, inner)
        | st.lists(inner, min_size=2, max_size=3).map(lambda keys: search.And(tuple(keys)))
    ),
    max_leaves=8,
)
message = st.builds(c.AppendMessage, size=st.just(0), flags=flags, date=st.none() | moment, utf8=st.booleans())
entries = st.lists(
    st.tuples(field.map(lambda word: f"/{word.lower()}"), st.none() | octets), min_size=1, max_size=3
).map(tuple)

command: st.SearchStrategy[c.Command] = st.one_of(
    st.sampled_from(
        [
            c.Capability(),
            c.Noop(),
            c.Logout(),
            c.StartTls(),
            c.Namespace(),
            c.GetJmapAccess(),
            c.Idle(),
            c.Check(),
            c.Close(),
            c.Unselect(),
        ]
    ),
    st.builds(
        c.UidBatches, st.integers(1, 0xFFFFFFFF), st.none() | st.sampled_from([(1, 1), (3, 70), (9, 0xFFFFFFFF)])
    ),
    st.builds(
        c.Id, st.lists(st.tuples(field, st.none() | text), max_size=3, unique_by=lambda p: p[0].lower()).map(tuple)
    ),
    st.builds(c.Authenticate, upper, st.none() | octets),
    st.builds(c.Login, text, text),
    st.builds(c.Enable, st.lists(upper, min_size=1, max_size=3).map(tuple)),
    st.builds(c.Select, name, st.booleans()),
    st.builds(c.Examine, name, st.booleans(), st.none() | st.builds(c.Qresync, number, modseq)),
    st.builds(c.Create, name, st.none() | flags),
    st.builds(c.Delete, name),
    st.builds(c.Rename, name, name),
    st.builds(c.Subscribe, name),
    st.builds(c.List, name, st.lists(name, min_size=1, max_size=1).map(tuple)),
    st.builds(c.Lsub, name, name),
    st.builds(c.Status, name, st.sampled_from([("MESSAGES",), ("SIZE", "MAILBOXID")])),
    st.builds(c.GetQuota, text),
    st.builds(
        c.GetMetadata,
        name,
        st.lists(field.map(str.lower), min_size=1, max_size=2).map(tuple),
        st.none() | number,
        st.sampled_from(["0", "1"]),
    ),
    st.builds(c.SetMetadata, name, entries),
    st.builds(
        c.Notify,
        st.lists(
            st.builds(
                c.EventGroup,
                st.builds(c.Source, st.just("mailboxes"), st.lists(name, min_size=1, max_size=2).map(tuple)),
                st.sampled_from([(), (c.NotifyEvent("flagchange"),)]),
            ),
            max_size=2,
        ).map(tuple),
    ),
    st.builds(c.Esearch, key, st.sampled_from([(), (c.Source("personal"),)]), returns),
    st.builds(c.SetAcl, name, text, st.sampled_from(["lrs", ""]), st.sampled_from(["", "+", "-"])),
    st.builds(c.Expunge, st.none() | numbers),
    st.builds(c.Search, key, st.booleans(), returns, st.sampled_from([None, "UTF-8"])),
    st.builds(
        c.Sort,
        st.lists(
            st.builds(search.SortKey, st.sampled_from(["DATE", "SIZE"]), st.booleans()), min_size=1, max_size=2
        ).map(tuple),
        key,
        st.booleans(),
    ),
    st.builds(c.Fetch, numbers, items, st.just(True), st.none() | modseq, st.just(False), st.none() | page),
    st.builds(c.Store, numbers, st.sampled_from(c.StoreMode), flags, st.booleans(), st.booleans(), st.none() | modseq),
    st.builds(c.Copy, numbers, name, st.booleans()),
    st.builds(c.Move, numbers, name, st.booleans()),
    st.builds(c.Append, name, st.lists(message, min_size=1, max_size=3).map(tuple)),
    st.builds(c.Replace, number.map(lambda n: SequenceSet(((n, n),))), name, message, st.booleans()),
)


def serve(data: bytes, sizes: Iterable[int], *, utf8: bool = False) -> list[Event]:
    """All events of `data`, fed in pieces of these sizes, then the end."""
    decoder = ServerDecoder()
    decoder.authenticated = True
    decoder.modes.utf8 = utf8
    decoder.modes.qresync = True
    events: list[Event] = []
    position = 0
    steps = iter(sizes)
    while True:
        event = decoder.next_event()
        if event is NEED_DATA:
            if position < len(data):
                size = next(steps, len(data))
                decoder.feed(data[position : position + size])
                position += size
            else:
                decoder.feed_eof()
            continue
        events.append(event)
        if isinstance(event, LiteralRequest):
            decoder.accept()
        if isinstance(event, Closed) or (isinstance(event, BadCommand) and event.fatal):
            return events


@quick
@given(command, st.booleans(), st.booleans(), octets)
def test_a_written_command_is_read_back(given_command: c.Command, utf8: bool, literal_plus: bool, data: bytes) -> None:
    """IMAP-2, IMAP-6, IMAP-173"""
    expected: c.Command = given_command
    messages: list[bytes] = []
    if isinstance(given_command, c.Append):
        messages = [data] * len(given_command.messages)
        sized = [c.AppendMessage(len(data), m.flags, m.date, m.utf8) for m in given_command.messages]
        expected = c.Append(given_command.mailbox, tuple(sized))
    if isinstance(given_command, c.Replace):
        messages = [data]
        m = given_command.message
        expected = c.Replace(
            given_command.set,
            given_command.mailbox,
            c.AppendMessage(len(data), m.flags, m.date, m.utf8),
            given_command.uid,
        )
    pieces = encode_command("a1", given_command, messages=messages, utf8=utf8, literal_plus=literal_plus)
    assert not literal_plus or len(pieces) == 1
    events = serve(b"".join(pieces), [], utf8=utf8)
    assert events[-2:] == [Command("a1", expected), Closed(True)], events


stream = st.lists(
    st.builds(lambda command: b"".join(encode_command("t", command, messages=[b"x" * 5] * 3)), command)
    | st.sampled_from(
        [b"a FROB {3+}\r\nabc\r\n", b"\r\n", b"a LOGIN {5}\r\nx\r\n", b"x APPEND y {3+}\r\nabc {2+}\r\nxy\r\n"]
    ),
    max_size=4,
).map(b"".join)


@quick
@given(stream, st.lists(st.integers(1, 40), max_size=60))
def test_any_split_of_the_input_gives_the_same_events(data: bytes, sizes: list[int]) -> None:
    """IMAP-4"""
    assert serve(data, sizes) == serve(data, [])


def test_split_into_single_octets_gives_the_same_events_also_for_long_literals() -> None:
    """IMAP-4, IMAP-180"""
    data = b"a APPEND x {70000+}\r\n" + b"m" * 70000 + b" {1+}\r\ny\r\nb NOOP\r\n"
    assert serve(data, [1] * len(data)) == serve(data, [])
    assert [len(e.octets) for e in serve(data, []) if isinstance(e, LiteralChunk)] == [65536, 4464, 1]


@quick
@given(stream, st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4)), max_size=6))
def test_garbage_never_raises(data: bytes, changes: list[tuple[int, bytes]]) -> None:
    """IMAP-4, IMAP-143, IMAP-144"""
    mutated = bytearray(data)
    for position, piece in changes:
        mutated[position : position + len(piece)] = piece
    serve(bytes(mutated), [7] * 100)


@pytest.mark.parametrize(
    "line",
    [
        b"* STATUS a (MESSAGES 1)",
        b"* SEARCH 1 2",
        b"* 1 FETCH (UID 1 FLAGS ())",
        b'* LIST () "/" a',
        b'* LIST () "/" {2}\r\na ',
        b"* QUOTAROOT a b",
    ],
)
def test_blanks_at_the_end_of_a_response_are_passed_over(line: bytes) -> None:
    """IMAP-136: as Exchange sends them; a blank in a literal stays."""
    decoder = ClientDecoder()
    decoder.feed(line + b"\r\n" + line + b"  \r\n")
    assert decoder.next_response() == decoder.next_response()


def test_a_blank_at_the_end_of_a_list_is_passed_over() -> None:
    r"""IMAP-136: as QQ Mail and SurgeMail send it."""
    decoder = ClientDecoder()
    decoder.feed(b"* 1 FETCH (UID 7 FLAGS (\\Seen ) )\r\n")
    assert decoder.next_response() == r.FetchData(1, (("UID", 7), ("FLAGS", ("\\Seen",))))


@quick
@given(st.binary(max_size=200))
def test_noise_never_raises(data: bytes) -> None:
    """IMAP-4, IMAP-143"""
    serve(data, [])
    decoder = ClientDecoder()
    decoder.feed(data + b"\r\n")
    for _ in range(20):
        try:
            if decoder.next_response() is None:
                break
        except ProtocolError as error:
            if error.fatal:
                break


def test_the_cost_grows_with_the_input() -> None:
    """IMAP-4, IMAP-145, IMAP-146"""

    def seconds(data: bytes) -> float:
        started = time.thread_time()
        serve(data, [1000] * (len(data) // 1000 + 1))
        return time.thread_time() - started

    hostile = [
        b"a FETCH " + b"1:2," * 3000 + b"1 FLAGS\r\n",
        b"a SEARCH " + b"(" * 8000 + b"\r\n",
        b'a LOGIN "' + b"\\\\" * 8000 + b"\r\n",
        b'a LOGIN "' + b"x" * 16000 + b"\r\n",
        b"a APPEND x" + b" {1+}\r\nx" * 1000 + b"\r\n",
        b"a ID (" + b'"a" ' * 4000 + b"\r\n",
        b"a SELECT &" + b"AOkA" * 4000 + b"-\r\n",
    ]
    for data in hostile:
        seconds(data)
        assert seconds(data) < 1.0, data[:20]


# --- responses

line_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12).filter(
    lambda t: t[0] not in " ["
)
code = st.none() | st.builds(r.Code, upper, st.sampled_from([b"", b"1 2:3", b"(US-ASCII UTF-8)"]))
value: st.SearchStrategy[tuple[str, r.FetchValue]] = st.one_of(
    st.tuples(st.just("UID"), number),
    st.tuples(st.just("MODSEQ"), modseq),
    st.tuples(st.just("FLAGS"), flags),
    st.tuples(st.just("INTERNALDATE"), moment),
    st.tuples(st.just("SAVEDATE"), st.none() | moment),
    st.tuples(st.just("EMAILID"), atom),
    st.tuples(st.sampled_from(["BODY[]", "BODY[HEADER.FIELDS (TO)]<5>", "BINARY[1]"]), st.none() | octets),
    st.tuples(st.just("ENVELOPE"), st.sampled_from([r.Wire(b'("a" NIL {3}\r\nx)y)'), r.Wire(b'("x" ("y" ()))')])),
)
tree: st.SearchStrategy[tuple[object, ...]] = st.recursive(
    st.lists(number, min_size=1, max_size=3).map(tuple),
    lambda inner: st.builds(
        lambda head, branches: (*head, *branches), st.lists(number, max_size=2), st.lists(inner, min_size=2, max_size=3)
    ),
    max_leaves=5,
)
response: st.SearchStrategy[r.Response] = st.one_of(
    st.builds(r.State, st.sampled_from(["OK", "NO", "BAD"]), line_text, code, st.none() | st.just("a7")),
    st.builds(r.State, st.just("BYE"), line_text, code),
    st.builds(r.Continue, st.sampled_from([b"", b"idling", b"YWI="])),
    st.builds(r.CapabilityData, st.lists(atom, max_size=3).map(tuple)),
    st.builds(r.Enabled, st.lists(atom, max_size=3).map(tuple)),
    st.builds(
        r.ListData, flags, name, st.sampled_from(["/", None]), st.sampled_from([(), ("SUBSCRIBED",)]), st.none() | name
    ),
    st.builds(r.LsubData, flags, name),
    st.just(r.JmapAccessData("https://mail.example.org/.well-known/jmap")),
    st.just(r.NamespaceData((("", "/"),), (("Other Users/", "/"),))),
    st.builds(r.StatusData, name, st.sampled_from([(("MESSAGES", 5),), (("MAILBOXID", "F5"), ("APPENDLIMIT", None))])),
    st.builds(r.FlagsData, flags),
    st.builds(r.SearchData, st.lists(number, min_size=1, max_size=4).map(tuple), st.none() | modseq),
    st.builds(
        r.EsearchData,
        st.none() | atom,
        st.booleans(),
        st.none() | number,
        st.none() | number,
        st.none() | ranges,
        st.none() | number,
        st.none() | modseq,
        st.none() | st.tuples(page, st.none() | ranges),
    ),
    st.builds(r.UidBatchesData, atom, st.lists(st.tuples(number, number), max_size=3).map(tuple)),
    st.builds(r.SortData, st.lists(number, max_size=4).map(tuple)),
    st.builds(r.ThreadData, st.lists(tree, max_size=3).map(tuple)),
    st.builds(r.QuotaData, text, st.sampled_from([(), (("STORAGE", 5, 10),)])),
    st.builds(r.QuotaRootData, name, st.lists(text, max_size=2).map(tuple)),
    st.builds(r.MetadataData, name, entries),
    st.builds(r.MetadataChanged, name, st.lists(field, min_size=1, max_size=2).map(tuple)),
    st.builds(r.AclData, name, st.lists(st.tuples(text, atom), max_size=2).map(tuple)),
    st.builds(r.IdData, st.lists(st.tuples(text, st.none() | text), max_size=2).map(tuple)),
    st.builds(r.Exists, number),
    st.builds(r.RecentData, number),
    st.builds(r.ExpungeData, number),
    st.builds(r.Vanished, ranges, st.booleans()),
    st.builds(r.FetchData, number, st.lists(value, min_size=1, max_size=3).map(tuple), st.booleans()),
)


def client(data: bytes, sizes: Iterable[int], *, utf8: bool) -> list[r.Response]:
    """All responses in `data`."""
    decoder = ClientDecoder()
    decoder.utf8 = utf8
    found: list[r.Response] = []
    position = 0
    steps = iter(sizes)
    while True:
        answer = decoder.next_response()
        if answer is not None:
            found.append(answer)
        elif position < len(data):
            size = next(steps, len(data))
            decoder.feed(data[position : position + size])
            position += size
        else:
            assert decoder.buffered == 0
            return found


def test_item_names_of_a_server_are_ascii() -> None:
    """IMAP-4"""
    for item in ("BODY[HEÄDER]", 'BODY[HEADER.FIELDS ("ü")]', 'BODY["\\ü"]'):
        with pytest.raises(ProtocolError):
            client(f"* 1 FETCH ({item} NIL)\r\n".encode(), [], utf8=True)


@quick
@given(st.lists(response, max_size=4), st.booleans(), st.lists(st.integers(1, 30), max_size=30))
def test_written_responses_are_read_back(given_responses: list[r.Response], utf8: bool, sizes: list[int]) -> None:
    """IMAP-2, IMAP-4, IMAP-6, IMAP-151, IMAP-173"""
    data = b"".join(encode(one, utf8=utf8) for one in given_responses)
    assert client(data, sizes, utf8=utf8) == given_responses


def test_only_sets_of_vanished_are_cut_into_lines() -> None:
    """IMAP-56, IMAP-123"""
    pairs = tuple((n, n) for n in range(1, 20000, 2))
    lines = encode(r.Vanished(pairs, earlier=True)).split(b"\r\n")[:-1]
    assert max(map(len, lines)) <= 4064 + len(b"* VANISHED (EARLIER) ")
    joined = b",".join(line.removeprefix(b"* VANISHED (EARLIER) ") for line in lines)
    assert SequenceSet.parse(joined).ranges == pairs
    (line,) = encode(r.SearchData(tuple(range(1, 5000)), 9)).split(b"\r\n")[:-1]
    assert line.split()[2:] == [*(b"%d" % n for n in range(1, 5000)), b"(MODSEQ", b"9)"]


def test_no_text_of_a_peer_breaks_a_line() -> None:
    """IMAP-151"""
    assert encode(r.State("NO", "a\r\nb\0é", None, "t")) == b"* t NO"[2:] + b" a??b??\r\n"
    assert encode(r.State("NO", "é"), utf8=True) == "* NO é\r\n".encode()
    error = ProtocolError("unknown command \r\n\x1b[2J" + "x" * 500)
    assert error.text.isprintable()
    assert len(error.text) <= 200


# --- sets

small_ranges = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=6)
uids = st.sets(st.integers(1, 60), max_size=30)


def as_set(pairs: Iterable[tuple[int, int]]) -> set[int]:
    """The numbers in ranges."""
    return {n for low, high in pairs for n in range(min(low, high), max(low, high) + 1)}


@quick
@given(small_ranges, small_ranges, uids)
def test_arithmetic_of_ranges_agrees_with_python_sets(
    left: list[tuple[int, int]], right: list[tuple[int, int]], found: set[int]
) -> None:
    """IMAP-62, IMAP-145, IMAP-173"""
    a, b = seqset.normalize(left), seqset.normalize(right)
    values = array("I", sorted(found))
    assert as_set(a) == as_set(left)
    assert all(high + 1 < low for (_, high), (low, _) in pairwise(a))
    assert as_set(seqset.intersect(a, b)) == as_set(a) & as_set(b)
    assert list(seqset.pick(values, a)) == sorted(found & as_set(a))
    assert as_set(seqset.subtract(a, values)) == as_set(a) - found
    assert as_set(seqset.runs(values)) == found
    assert seqset.count(a) == len(as_set(a))
    assert as_set(seqset.within(a, 10, 20)) == as_set(a) & set(range(10, 21))
    assert seqset.normalize(seqset.runs(values)) == list(seqset.runs(values))
    if a:
        assert SequenceSet.parse(seqset.format_ranges(a)).resolve(0) == a


def test_star_stands_for_the_largest_number() -> None:
    """IMAP-62"""
    assert SequenceSet.parse(b"559:*").resolve(500) == [(500, 559)]
    assert SequenceSet.parse(b"*:3,5").resolve(10) == [(3, 10)]
    assert SequenceSet.parse(b"*").resolve(0) == [(0, 0)]
    assert SequenceSet.parse(b"1:*").star
    assert SequenceSet.parse(b"7,2:5").largest == 7


def test_a_set_over_everything_costs_nothing() -> None:
    """IMAP-145"""
    values = array("I", range(1, 200_001))
    started = time.thread_time()
    for _ in range(100):
        seqset.subtract([(1, seqset.MAX_NUMBER)], values)
        seqset.index_runs(values, [(1, seqset.MAX_NUMBER)])
        list(seqset.runs(values))
    assert time.thread_time() - started < 0.5


# --- names


@quick
@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_modified_utf7_agrees_with_imapclient(text: str) -> None:
    """IMAP-32, IMAP-173"""
    wire = utf7.encode(text)
    assert utf7.decode(wire) == text
    assert imap_utf7.decode(wire) == text
    assert imap_utf7.encode(text) == wire


@pytest.mark.parametrize(
    "wire", [b"&", b"a&b", b"&AOk", b"&AO-", b"&2D3-", b"&AGE-", b"&AOk-&AOk-", b"&AOl-x&!", b"\xff", b"&AOn-\xff"]
)
def test_broken_modified_utf7_is_refused(wire: bytes) -> None:
    """IMAP-32"""
    with pytest.raises(ProtocolError):
        utf7.decode(wire)


@quick
@given(name, flags, st.none() | moment, octets, st.booleans())
def test_an_append_in_pieces_is_the_same_command(
    mailbox: str, words: tuple[str, ...], date: dt.datetime | None, data: bytes, utf8: bool
) -> None:
    """IMAP-136: what the client streams is what the codec writes at once."""
    whole = c.Append(mailbox, (c.AppendMessage(len(data), words, date),))
    item = append_item(Appended(len(data), words, date, binary=b"\0" in data), wait=False)
    pieces = [append_start("a", mailbox, utf8=utf8), item, data, b"\r\n"]
    assert [b"".join(pieces)] == encode_command("a", whole, messages=[data], utf8=utf8)
    waiting = append_item(Appended(len(data), words, date, binary=b"\0" in data), wait=True)
    first = encode_command("a", whole, messages=[data], utf8=utf8, literal_plus=False)[0]
    assert first == pieces[0] + waiting
