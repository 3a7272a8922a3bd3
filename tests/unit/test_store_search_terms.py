"""Terms and trigrams of the text index (STORE-110, STORE-111)."""

from __future__ import annotations

from collections.abc import Iterable

import apsw
from hypothesis import example, given, strategies as st

from moxlite.proto.mime.text import fold
from moxlite.store.search.queries import (
    BEGINNING,
    LAST,
    MAX_GRAMS,
    AllOf,
    AnyOf,
    Contains,
    Lacks,
    SearchedPart,
    Term,
    holds,
    is_exact,
    looks_into_bodies,
    trigram_query,
)
from moxlite.store.search.texts import Text, indexed

ALPHABET = "abAB \"'*()\0\n-ßẞİıſﬁé\u0301\u0327日本語한글ｱ\ud800\udfff\ufffe\uffff\U0001f600\U00010400"
"""Few, so that needles are often found; quotes and signs of FTS5's language; what folding makes more or less of."""

TEXTS = st.lists(st.text(ALPHABET, max_size=12), min_size=2, max_size=2)
NEEDLES = st.text(ALPHABET, max_size=6)


def text_of(header: str, body: str) -> Text:
    """As the index has it."""
    head = fold(header).encode("utf-8", "surrogatepass")
    return Text(b"%b\n%b" % (head, fold(body).encode("utf-8", "surrogatepass")), len(head))


def candidates(texts: Iterable[Text], query: str | Term) -> list[int] | None:
    """Positions of the texts that FTS5 finds; None for a term that rules none out."""
    db = apsw.Connection(":memory:")
    try:
        db.execute(
            "CREATE VIRTUAL TABLE t USING fts5 (text, tokenize = 'trigram case_sensitive 1', content = '', "
            "contentless_delete = 1, detail = none)"
        )
        for number, text in enumerate(texts):
            db.execute("INSERT INTO t (rowid, text) VALUES (?, ?)", (number, indexed(text.data)))
        if not isinstance(query, str):
            db.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(t, 'row')")
            asked = trigram_query(
                query, lambda needle: [row[0] for row in db.execute(BEGINNING, (needle, needle + LAST))]
            )
            if asked is None:
                return None
            query = asked
        return [row[0] for row in db.execute("SELECT rowid FROM t WHERE t MATCH ? ORDER BY rowid", (query,))]
    finally:
        db.close()


@given(TEXTS, NEEDLES)
@example(["straße", "x"], "STRASSE")
@example(["İstanbul", "x"], "i̇stanbul")
@example(["ab", "cd"], "b\nc")
def test_a_needle_holds_where_the_folded_text_has_it(pair: list[str], needle: str) -> None:
    """STORE-111, IMAP-121: in the header, in the body, and never across the two."""
    header, body = pair
    folded, text = fold(needle), text_of(header, body)
    in_header, in_body = folded in fold(header), folded in fold(body)
    assert holds(Contains(folded, SearchedPart.HEADER), text) == in_header
    assert holds(Contains(folded, SearchedPart.BODY), text) == in_body
    assert holds(Contains(folded), text) == (in_header or in_body)
    assert holds(Lacks(Contains(folded)), text) != (in_header or in_body)


TERMS: st.SearchStrategy[Term] = st.recursive(
    st.builds(Contains, NEEDLES.map(fold), st.sampled_from(SearchedPart)),
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Lacks, inner),
    ),
    max_leaves=5,
)


@given(st.lists(TEXTS, min_size=1, max_size=6), TERMS)
def test_the_index_leaves_out_no_text_that_matches(pairs: list[list[str]], term: Term) -> None:
    """STORE-111."""
    query = trigram_query(term)
    if query is None:
        return
    texts = [text_of(*pair) for pair in pairs]
    found = candidates(texts, query)
    assert [number for number, text in enumerate(texts) if holds(term, text) and number not in (found or ())] == []


@given(st.text(ALPHABET, min_size=3, max_size=8), st.text(ALPHABET, max_size=4), st.text(ALPHABET, max_size=4))
def test_the_index_finds_what_stands_in_a_text(needle: str, before: str, after: str) -> None:
    """STORE-111: also beside quotes, blanks and signs of the query language."""
    text = text_of("", before + fold(needle) + after)
    query = trigram_query(Contains(fold(needle)))
    if query is not None and holds(Contains(fold(needle)), text):
        assert candidates([text], query) == [0]


@given(st.lists(TEXTS, min_size=1, max_size=6), TERMS)
@example([["", "ab"], ["ab", ""], ["a", "b"], ["a\0b", "\ud800"]], AnyOf((Contains("ab"), Contains("\ufffd"))))
def test_needles_of_two_characters_are_looked_up(pairs: list[list[str]], term: Term) -> None:
    """STORE-111: as what begins with them, also at the end of a text; what is found by two or three is a match."""
    texts = [text_of(*pair) for pair in pairs]
    matches = [number for number, text in enumerate(texts) if holds(term, text)]
    found = candidates(texts, term)
    if found is not None:
        assert set(matches) <= set(found)
    if is_exact(term):
        assert found == matches


def test_which_needles_need_no_look_into_the_text() -> None:
    """STORE-111."""
    exact: tuple[Term, ...] = (
        Contains("ab"),
        Contains("日本"),
        Contains("abc"),
        AnyOf((Contains("ab"), Contains("abc"))),
    )
    assert [term for term in exact if not is_exact(term)] == []
    single: tuple[Term, ...] = (
        Contains("a"),
        Contains("abcd"),
        Contains("ab", SearchedPart.BODY),
        Contains("a\n"),
        Contains("\ufffdb"),
        Contains("a\0"),
    )
    several: tuple[Term, ...] = (Lacks(Contains("ab")), AllOf(()), AllOf((Contains("ab"), Contains("abcd"))))
    assert [term for term in (*single, *several) if is_exact(term)] == []


def test_a_short_needle_asks_the_index_nothing() -> None:
    """STORE-111: unless what begins with it is known."""
    assert trigram_query(Contains("a"), lambda _: []) is None
    assert trigram_query(Contains("ab"), lambda needle: [needle + "c", needle + '"']) == '("abc" OR "ab""")'
    assert trigram_query(Contains("ab")) is None
    assert trigram_query(Contains("日本")) is None
    assert trigram_query(AllOf((Contains("ab"), Contains("abc")))) == '(("abc"))'
    assert trigram_query(AnyOf((Contains("ab"), Contains("abc")))) is None
    assert trigram_query(Lacks(Contains("abc"))) is None
    assert trigram_query(AllOf(())) is None


def test_a_long_needle_asks_for_some_of_its_trigrams() -> None:
    """STORE-111: from all over it."""
    needle = "".join(chr(0x4E00 + number) for number in range(500))
    query = trigram_query(Contains(needle))
    assert query is not None
    assert query.count(" AND ") == MAX_GRAMS - 1
    assert needle[:3] in query
    assert needle.index(query.split('"')[-2]) > 450


def test_a_search_of_very_many_needles_asks_the_index_nothing() -> None:
    """STORE-111: an expression deeper than FTS5 takes is not sent."""
    assert trigram_query(AnyOf(tuple(Contains(f"{number * 7919:06}") for number in range(60)))) is not None
    assert trigram_query(AnyOf(tuple(Contains(f"{number * 7919:06}") for number in range(90)))) is None


def test_whether_bodies_are_looked_into() -> None:
    """STORE-111."""
    assert not looks_into_bodies(AllOf((Contains("a", SearchedPart.HEADER), Lacks(Contains("b", SearchedPart.HEADER)))))
    assert looks_into_bodies(AnyOf((Contains("a", SearchedPart.HEADER), Contains("b", SearchedPart.BODY))))


def test_deeply_nested_searches_are_asked_by_their_outer_levels() -> None:
    """STORE-111, IMAP-119: the parser of FTS5 is not driven over its stack."""
    for make in (
        lambda level, term: AllOf((Contains(f"x{level:02}y"), AnyOf((Contains("abc"), term)))),
        lambda level, term: AnyOf((AllOf((term, Contains("abc"))), Contains(f"x{level:02}y"))),
    ):
        term: Term = Contains("abc")
        for level in range(40):
            term = make(level, term)
        query = trigram_query(AllOf((Contains("abcd"), term)))
        assert query is not None
        assert candidates([text_of("abcde", ""), text_of("zzz", "")], query) in ([], [0])
