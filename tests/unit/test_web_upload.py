"""Forms with files: however their octets come, and whatever they are (moxlite/web/importing/upload.py)."""

import io
import tempfile
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
import trio
from hypothesis import example, given, settings, strategies as st

from moxlite.web.errors import StorageRefused, UserError
from moxlite.web.http.exchange import Request
from moxlite.web.http.messages import Headers
from moxlite.web.importing import upload

BOUNDARY = "b0undary"


class Body:
    """A request as far as an upload looks at it; its octets come in pieces."""

    account = "mia"

    def __init__(self, pieces: list[bytes]) -> None:
        self.headers = Headers([("content-type", f"multipart/form-data; boundary={BOUNDARY}")])
        self.body = self
        self.declared = None
        self.pieces = [piece for piece in pieces if piece]

    async def receive(self, limit: int) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


def receive(pieces: list[bytes], directory: Path = Path("/tmp")) -> tuple[bytes, dict[str, str]]:
    """The file and the fields of a form."""

    async def run() -> tuple[bytes, dict[str, str]]:
        request = cast("Request", Body(pieces))
        form = await upload.receive_form(request, directory=directory, limit=1 << 20, reserve=0)
        try:
            return form.file.read(), form.fields
        finally:
            form.file.close()

    return trio.run(run)


def form(name: str, value: bytes, file: bytes) -> bytes:
    """Two fields, the second of which is a file."""
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + value
        + f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="ü.zip"\r\n\r\n'.encode()
        + file
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )


@settings(max_examples=60)
@example(file=b"", cuts=[len(form("mailbox", "Büro".encode(), b"")) - 2])
@given(
    file=st.lists(
        st.sampled_from([b"\r", b"\n", b"\r\n", b"--", b"\r\n--" + BOUNDARY[:4].encode(), b"x" * 300, b"\0\xff"])
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 2000), max_size=12),
)
def test_a_form_is_the_same_however_it_is_cut(file: bytes, cuts: list[int]) -> None:
    """WEB-72, RFC 7578 §4.1: ends of lines and beginnings of boundaries inside the file are its own."""
    whole = form("mailbox", "Büro".encode(), file)
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(places)]
    assert receive(pieces) == (file, {"mailbox": "Büro"})


@settings(max_examples=60)
@given(octets=st.binary(max_size=400), at=st.integers(0, 400), cut=st.integers(0, 200), value=st.binary(max_size=30))
def test_octets_of_any_kind_are_a_form_or_an_error_of_the_user(octets: bytes, at: int, cut: int, value: bytes) -> None:
    """WEB-134, WEB-136."""
    whole = form("mailbox", value, b"the file")
    with suppress(UserError):
        receive([whole[:at] + octets, whole[at + cut :]])


def test_a_disk_that_fails_is_said_and_the_file_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-141."""
    whole = form("mailbox", b"", b"x" * 1000)
    with pytest.raises(StorageRefused):
        receive([whole], Path("/nonexistent"))
    files: list[io.BytesIO] = []

    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    def make(dir: Path) -> io.BytesIO:  # noqa: A002 - its name
        files.append(Full())
        return files[0]

    monkeypatch.setattr(tempfile, "TemporaryFile", make)
    with pytest.raises(StorageRefused):
        receive([whole])
    assert files[0].closed
