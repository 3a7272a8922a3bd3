"""What ends a process that was asked to stop, whatever hangs in it (ADMIN-39)."""

import signal
import subprocess
import sys
import time
from typing import Final

import pytest

SERVER: Final = """
import re, subprocess, sys, threading, time, trio
from moxlite.process.signals import Signals

def writer(): threading.Event().wait()

async def thread(): await trio.to_thread.run_sync(time.sleep, 1000)
async def child(): await trio.to_thread.run_sync(lambda: subprocess.run(["sleep", "20"], stderr=-3))
async def joined():
    thread = threading.Thread(target=writer)
    thread.start()
    await trio.to_thread.run_sync(thread.join)
async def loop():
    while True: pass
async def lock(): re.match("(a+)+$", "a" * 60 + "b")  # keeps Python's lock
async def shielded():
    with trio.CancelScope(shield=True): await trio.sleep_forever()

async def serve(signals):
    signals.patience = 2
    with signals.ending():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(globals()[sys.argv[1]])
            print("ready", flush=True)
            await signals.next()
            nursery.cancel_scope.cancel()

with Signals() as signals:
    trio.run(serve, signals)
"""

STOPPED: Final = """
import time
from moxlite.process.signals import Signals

with Signals() as signals:
    signals.patience = 1
    signals.note("SIGTERM")
time.sleep(2)
"""


@pytest.mark.parametrize("kind", ["thread", "child", "joined", "loop", "lock", "shielded"])
def test_a_server_ends_in_time_whatever_hangs(kind: str) -> None:
    """ADMIN-39: a thread, a child process, the writer's thread, a step of the loop, code that keeps Python's lock."""
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, kind], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)  # the loop hangs after this line
        process.send_signal(signal.SIGTERM)
        try:
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "Timeout" in errors
    assert time.monotonic() - began < 50


def test_a_server_that_stops_is_left_alone() -> None:
    """ADMIN-39: its status is its own, and a process that goes on after `Signals` does not hang."""
    done = subprocess.run([sys.executable, "-c", STOPPED], check=False, timeout=60)
    assert done.returncode == 0
