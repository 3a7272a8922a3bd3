"""What the C library does with memory that threads have freed."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from moxlite.heap import ARENAS

PROGRAM = """
import ctypes, os, threading
from moxlite.heap import keep_heap_small

keep_heap_small()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fflush.argtypes = [ctypes.c_void_p]
started = threading.Barrier(17)

def use():
    libc.malloc(5000)
    started.wait()

for _ in range(16):
    threading.Thread(target=use).start()
started.wait()
out = libc.fdopen(1, b"w")
libc.malloc_info(0, out)
libc.fflush(out)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="another C library")
def test_threads_share_their_heaps() -> None:
    """STORE-10: else each of many threads keeps what it has freed."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert 1 <= ended.stdout.count("<heap ") <= ARENAS


UNCOUNTED = """
import apsw
from moxlite.store.file.migrations import Kind, drop_statistics, open_file
from moxlite.store.options import Options
from pathlib import Path

drop_statistics()
db = open_file(Path("account.db"), Kind.ACCOUNT, Options(), create=True)
print(db.execute("SELECT count(*) > 0 FROM sqlite_schema").get, apsw.memory_used())
db.close()
"""


def test_sqlite_counts_no_memory(tmp_path: Path) -> None:
    """STORE-2: for each block, it would take a lock that all threads share."""
    ended = subprocess.run(
        [sys.executable, "-c", UNCOUNTED], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
    )
    assert ended.stdout.split() == ["1", "0"]
