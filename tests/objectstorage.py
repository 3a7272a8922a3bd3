"""An S3 server of tests: one bucket in memory, with conditional writes, uploads in parts, and faults of storage."""

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

import pytest

__all__ = ["Bucket", "bucket", "serving"]

XML = '<?xml version="1.0" encoding="UTF-8"?>'


class Bucket:
    """The objects by name, and the faults.

    Attributes:
      failing: number of requests that get 503 from now on.
      conditions: whether conditional writes are honoured.
      refusing: status and code of the answer to writes; None: they are done.
      keeping: removals are refused with 403.
      slow: seconds before each answer. blind: listings are empty.
      key: the access key that requests must be signed with.
      requests: number of requests. uploads: number of uploads in parts that were begun.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.failing = 0
        self.conditions = True
        self.refusing: tuple[int, str] | None = None
        self.keeping = False
        self.slow = 0.0
        self.blind = False
        self.key = "AKIATEST"
        self.requests = 0
        self.uploads = 0
        self.address = ("127.0.0.1", 0)
        self.guard = threading.Lock()

    @property
    def keys(self) -> dict[str, str]:
        """Settings with which the bucket is used."""
        return {
            "access_key_id": self.key,
            "secret_access_key": "secret",
            "region": "eu-test-1",
            "endpoint": f"http://{self.address[0]}:{self.address[1]}",
        }

    def keys_file(self, file: Path, **other: str) -> Path:
        """Write `keys` to a file, some of them others; an empty one is left out."""
        file.write_text("".join(f"{name} = {text}\n" for name, text in (self.keys | other).items() if text))
        return file


def etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Nothing."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", headers.pop("length", str(len(body))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fault(self, status: int, code: str) -> None:
        self.answer(status, f"{XML}<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def begin(self) -> tuple[str, dict[str, list[str]], bytes] | None:
        """Name of the object, query and body; None if the request was answered, or its body was cut."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the client died
            self.close_connection = True
            return None
        bucket = self.bucket
        bucket.requests += 1
        if bucket.slow:
            time.sleep(bucket.slow)
        if bucket.refusing is not None and self.command in ("PUT", "POST"):
            self.fault(*bucket.refusing)
            return None
        if bucket.failing > 0:
            bucket.failing -= 1
            self.fault(503, "SlowDown")
            return None
        if bucket.key not in self.headers.get("Authorization", ""):
            self.fault(403, "InvalidAccessKeyId")
            return None
        parts = urlsplit(self.path)
        name = unquote(parts.path).lstrip("/").partition("/")[2]
        return name, parse_qs(parts.query, keep_blank_values=True), body

    def do_PUT(self) -> None:
        if (found := self.begin()) is None:
            return
        name, query, body = found
        with self.bucket.guard:
            if "uploadId" in query:
                if query["uploadId"][0] not in self.bucket.parts:
                    self.fault(404, "NoSuchUpload")
                    return
                self.bucket.parts[query["uploadId"][0]][int(query["partNumber"][0])] = body
                self.answer(200, ETag=etag(body))
                return
            now = self.bucket.objects.get(name)
            wanted = self.headers.get("If-Match")
            if self.bucket.conditions and (
                (self.headers.get("If-None-Match") == "*" and now is not None)
                or (wanted is not None and (now is None or wanted != etag(now)))
            ):
                self.fault(412, "PreconditionFailed")
                return
            self.bucket.objects[name] = body
            self.answer(200, ETag=etag(body))

    def do_POST(self) -> None:
        if (found := self.begin()) is None:
            return
        name, query, body = found
        with self.bucket.guard:
            if "uploads" in query:
                self.bucket.uploads += 1
                upload = f"upload{self.bucket.uploads}"
                self.bucket.parts[upload] = {}
                started = f"<UploadId>{upload}</UploadId>"
                text = f"{XML}<InitiateMultipartUploadResult>{started}</InitiateMultipartUploadResult>"
                self.answer(200, text.encode())
            elif "uploadId" in query:
                parts = self.bucket.parts.pop(query["uploadId"][0], None)
                if parts is None:
                    self.fault(404, "NoSuchUpload")
                    return
                whole = b"".join(parts[number] for number in sorted(parts))
                self.bucket.objects[name] = whole
                tag = escape(etag(whole))
                text = f"{XML}<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>"
                self.answer(200, text.encode())
            elif "delete" in query and self.bucket.keeping:
                self.fault(403, "AccessDenied")
            elif "delete" in query:
                gone = [unquote(unescape(one)) for one in re.findall(r"<Key>(.*?)</Key>", body.decode())]
                for one in gone:
                    self.bucket.objects.pop(one, None)
                items = "".join(f"<Deleted><Key>{escape(one)}</Key></Deleted>" for one in gone)
                self.answer(200, f"{XML}<DeleteResult>{items}</DeleteResult>".encode())
            else:
                self.fault(400, "InvalidRequest")

    def do_GET(self) -> None:
        if (found := self.begin()) is None:
            return
        name, query, _ = found
        with self.bucket.guard:
            if "list-type" in query:
                self.answer(200, self.listing(query).encode())
                return
            data = self.bucket.objects.get(name)
        if data is None:
            self.fault(404, "NoSuchKey")
            return
        headers = {"ETag": etag(data), "Last_Modified": formatdate(usegmt=True)}
        wanted = self.headers.get("Range")
        if wanted is None:
            self.answer(200, data, **headers)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last) + 1 if last else len(data), len(data))
        headers["Content_Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        self.answer(206, data[start:end], **headers)

    do_HEAD = do_GET  # noqa: N815 - the name of the base class

    def do_DELETE(self) -> None:
        if (found := self.begin()) is None:
            return
        if self.bucket.keeping:
            self.fault(403, "AccessDenied")
            return
        with self.bucket.guard:
            self.bucket.objects.pop(found[0], None)
        self.answer(204)

    def listing(self, query: dict[str, list[str]]) -> str:
        prefix = query.get("prefix", [""])[0]
        items, folders = "", dict[str, None]()
        for name, data in sorted(self.bucket.objects.items()):
            if self.bucket.blind or not name.startswith(prefix):
                continue
            rest = name.removeprefix(prefix)
            if "delimiter" in query and "/" in rest:
                folders[prefix + rest.partition("/")[0] + "/"] = None
                continue
            items += (
                f"<Contents><Key>{escape(name)}</Key><LastModified>2026-11-22T00:00:00.000Z</LastModified>"
                f"<ETag>{escape(etag(data))}</ETag><Size>{len(data)}</Size></Contents>"
            )
        common = "".join(f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in folders)
        return f"{XML}<ListBucketResult><IsTruncated>false</IsTruncated>{items}{common}</ListBucketResult>"


class Server(ThreadingHTTPServer):
    """A server that is silent about clients that were killed."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing."""


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[Bucket]:
    """A bucket that is served while the block lasts, at an address of the calling thread's net."""
    bucket = Bucket()
    handler = type("OfBucket", (Handler,), {"bucket": bucket})
    with Server((host, 0), handler) as server:
        bucket.address = (host, server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield bucket
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """A bucket that is served."""
    with serving() as found:
        yield found
