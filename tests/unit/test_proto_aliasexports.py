"""CSV exports of aliases (MASK-15)."""

import time

import pytest
from hypothesis import given, strategies as st

from moxlite.proto.aliasexports import MAX_FIELD, MAX_OCTETS, Alias, ExportError, read_aliases

ADDY = b"""id,local_part,domain,email,active,description,deleted_at
1,shop,own.example,shop@own.example,1,"books, ''old''",
2,gone,own.example,gone@own.example,1,,2026-01-02 03:04:05
3,quiet,own.example,quiet@own.example,0,,
""".replace(b"''", b'""')
SIMPLE = b"""\xef\xbb\xbfalias,note,enabled,mailboxes
a@own.example,hi,True,me@x.example
b@own.example,,False,
"""


def test_both_services_are_read() -> None:
    """MASK-15: by the names of their columns, in any order; deleted ones are counted."""
    aliases, deleted = read_aliases(ADDY)
    assert aliases == [Alias("shop@own.example", 'books, "old"'), Alias("quiet@own.example", active=False)]
    assert deleted == 1
    assert read_aliases(SIMPLE) == ([Alias("a@own.example", "hi"), Alias("b@own.example", active=False)], 0)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"", "must have a column"),
        (b"name,value\n", "must have a column"),
        (b"alias\n\xff", "UTF-8"),
        (b"x" * (MAX_OCTETS + 1), "exceeds 16 MiB"),
        (b"alias\n" + b"a" * (MAX_FIELD + 1), "CSV"),
        (b"alias\n" + b"a@b.example\n" * 20_001, "too many aliases in file .limit 20000"),
    ],
)
def test_other_files_are_refused(octets: bytes, text: str) -> None:
    """MASK-15: with the reason."""
    with pytest.raises(ExportError, match=text):
        read_aliases(octets)


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    """MASK-15."""
    try:
        read_aliases(b"alias,note,enabled\n" + octets)
    except ExportError:
        return


def test_many_columns_cost_no_time_for_each_row() -> None:
    """MASK-15: 4,000 columns and as many rows took 6 s."""
    began = time.thread_time()
    assert read_aliases(b"a," * 20_000 + b"alias\n" + b"x\n" * 20_000) == ([], 0)
    assert time.thread_time() - began < 3
