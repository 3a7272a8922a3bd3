"""Encoders of search programs, RETURN options and sort criteria: the counterpart of `reading.search`."""

from .. import search as s
from ..tokens import encode_astring, encode_date
from .writing import Writer


def write_return(w: Writer, returns: s.Return | None) -> None:
    """Write RETURN with its options, if any."""
    if returns is None:
        return
    names = ("min", "max", "all", "count", "save")
    words = [name.upper().encode() for name in names if getattr(returns, name)]
    if returns.partial is not None:
        words.append(b"PARTIAL %d:%d" % returns.partial)
    w.put(b" RETURN (%b)" % b" ".join(words))


def sort_key(key: s.SortKey) -> bytes:
    """One criterion of SORT."""
    return (b"REVERSE " if key.reverse else b"") + key.name.encode()


def write_program(w: Writer, program: s.SearchKey, charset: str) -> None:
    """Write a search program, without recursion: the rest of the tree is on a stack."""
    waiting: list[s.SearchKey | bytes] = [program]
    while waiting:
        key = waiting.pop()
        match key:
            case bytes():
                w.put(key)
            case s.Not(key=inner):
                waiting += [inner, b"NOT "]
            case s.Or(left=left, right=right):
                waiting += [right, b" ", left, b"OR "]
            case s.And(keys=keys):
                waiting.append(b")")
                for number, inner in enumerate(reversed(keys)):
                    waiting += [b" ", inner] if number else [inner]
                waiting.append(b"(")
            case _:
                _key(w, key, charset)


def _key(w: Writer, key: s.SearchKey, charset: str) -> None:
    def text(word: bytes, value: str) -> None:
        w.put(word)
        w.word(encode_astring(value.encode(charset), utf8=w.utf8))

    match key:
        case s.Header(field=field, value=value):
            w.put(b"HEADER")
            w.astring(field)
            text(b"", value)
        case s.BodyText(value=value):
            text(b"BODY", value)
        case s.Text(value=value):
            text(b"TEXT", value)
        case s.EmailIdIs(id=value):
            text(b"EMAILID", value)
        case s.ThreadIdIs(id=value):
            text(b"THREADID", value)
        case _:
            w.put(_plain_key(key))


def _plain_key(key: s.SearchKey) -> bytes:
    # Keys without a string, which a literal might have to carry: RFC 9051 §6.4.4 and its extensions, one case each.
    match key:
        case s.FlagIs(flag=flag, present=present):
            word = flag[1:].upper() if flag.startswith("\\") else f"KEYWORD {flag}"
            return (word if present else f"UN{word}").encode()
        case s.DateIs(of=of, comparison=comparison, date=date):
            prefix = {"internal": "", "sent": "SENT", "saved": "SAVED"}[of]
            return f"{prefix}{comparison.value} ".encode() + encode_date(date)
        case s.Larger(size=size):
            return b"LARGER %d" % size
        case s.Smaller(size=size):
            return b"SMALLER %d" % size
        case s.Older(seconds=seconds):
            return b"OLDER %d" % seconds
        case s.Younger(seconds=seconds):
            return b"YOUNGER %d" % seconds
        case s.Sequence(set=numbers):
            return numbers.encode()
        case s.Uids(set=numbers):
            return b"UID " + numbers.encode()
        case s.UidAfter(uid=uid):
            return b"UIDAFTER %d" % uid
        case s.UidBefore(uid=uid):
            return b"UIDBEFORE %d" % uid
        case s.ModSeqIs(modseq=modseq):
            return b"MODSEQ %d" % modseq
        case s.Recent():
            return b"RECENT"
        case s.SaveDateSupported():
            return b"SAVEDATESUPPORTED"
        case s.AllMessages():
            return b"ALL"
        case _:
            raise TypeError(f"invalid search key: {key!r}")
