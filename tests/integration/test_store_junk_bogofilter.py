"""The junk filter beside Debian's bogofilter: the same messages to learn and to judge, each as it comes."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from moxlite.store.junk.classify import Memory
from moxlite.store.junkflags import JunkParams
from tests.junkcorpus import Corpus
from tests.tools import need

pytestmark = pytest.mark.served

PARAMS = JunkParams()


def write_mbox(path: Path, messages: Sequence[bytes]) -> Path:
    with path.open("wb") as file:
        for message in messages:
            file.write(b"From x@example.org Fri Nov 20 07:00:00 2026\n" + message.replace(b"\r\n", b"\n") + b"\n")
    return path


class Bogofilter:
    """Its own word list in a folder; settings as it is shipped: spam is what scores 0.99."""

    def __init__(self, folder: Path) -> None:
        self.program = need("bogofilter")
        self.folder = folder
        self.spam_cutoff = 0.99

    def learn(self, messages: Sequence[bytes], flag: str) -> None:
        path = write_mbox(self.folder / "learn.mbox", messages)
        subprocess.run([self.program, "-C", "-d", str(self.folder), "-M", flag, "-I", str(path)], check=True)

    def judge(self, messages: Sequence[bytes]) -> list[bool]:
        """Whether each message is spam."""
        path = write_mbox(self.folder / "judge.mbox", messages)
        # -TT: a line with the score of each message; the exit code tells of the last one
        command = [self.program, "-C", "-d", str(self.folder), "-M", "-TT", "-I", str(path)]
        output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        scores = [float(line) for line in output.split()]
        assert len(scores) == len(messages)
        return [score >= self.spam_cutoff for score in scores]


@pytest.mark.landing("2")
@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize("seed", [2, 3])
def test_it_is_not_behind_bogofilter(tmp_path: Path, seed: int) -> None:
    """STORE-89: accuracy over 500 ham and 500 spam after learning 500 of each."""
    corpus = Corpus(seed)
    bogofilter = Bogofilter(tmp_path)
    ours = Memory(PARAMS)
    for spam, messages in enumerate(corpus.half("train")):
        bogofilter.learn(messages, "-s" if spam else "-n")
        for message in messages:
            ours.learn(message, spam=spam == 1)
    hams, spams = corpus.half("test")
    kept = sum(not ours.judge(message).is_above for message in hams)
    caught = sum(ours.judge(message).is_above for message in spams)
    theirs = (bogofilter.judge(hams).count(False), bogofilter.judge(spams).count(True))
    print(f"ham kept, spam caught: {kept}, {caught}; bogofilter: {theirs}")
    assert kept >= 0.995 * len(hams)
    assert caught >= 0.85 * len(spams)
    assert kept + caught >= sum(theirs)
