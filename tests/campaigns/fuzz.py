"""Broken input for every codec: nothing but the codec's own errors may come out, at a cost linear in the input, and
however the input is cut into pieces, the same comes out.

The inputs are mutations of valid transcripts and combinations of words (`tests/fuzzing/inputs.py`); each follows from
seed, target and number alone.
"""

import gc
import random
import time
import traceback
from collections.abc import Awaitable, Iterator, Sequence

import trio

from tests.campaigns.report import Finding, Report
from tests.fuzzing.inputs import EDGES, Maker
from tests.fuzzing.targets import TARGETS, Target

__all__ = ["run"]

INPUTS = 100_000
#: Seconds of processor time that an input may take, and for each of its octets besides.
COST, COST_PER_OCTET = 0.05, 20e-6
#: Octets of a long input, by which it is seen whether cost is linear; and seconds for each of them that need no second
#: look. What costs more is a finding if half of it costs less than a third, or if it costs ten times as much: a slow
#: machine takes longer for all of it alike.
LONG, LONG_COST_PER_OCTET, LINEAR, FAR_TOO_MUCH = 200_000, 10e-6, 3, 10
#: Transcripts of a target in whose middle long inputs are put.
LONG_SEEDS = 3
#: One input in so many is fed a second time, in other pieces.
SPLIT_EVERY = 6
#: How many findings of one target are told; more are the same ones.
TOLD = 5
#: Octets of an input that are told.
SHOWN = 400


async def feed(target: Target, pieces: Sequence[bytes], variant: int) -> object:
    """Run one input through a target."""
    found = target.run(pieces, variant)
    return await found if isinstance(found, Awaitable) else found


def cut(data: bytes, rng: random.Random) -> list[bytes]:
    """Some way to cut an input."""
    if rng.random() < 0.2:
        return [data[at : at + 1] for at in range(len(data))]
    at = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 6)))
    return [data[start:end] for start, end in zip([0, *at], [*at, len(data)], strict=True)]


def shown(data: bytes) -> str:
    """An input for a report, its beginning if it is long: seed and number say the rest."""
    return repr(data) if len(data) <= SHOWN else f"{data[:SHOWN]!r} and {len(data) - SHOWN} octets more"


async def every_split(target: Target) -> int:
    """Valid transcripts, cut at every place, and into single octets; how many ways that were."""
    ways = 0
    for variant in range(target.variants):
        for seed in target.seeds:
            whole = repr(await feed(target, [seed], variant))
            cuts = [[seed[:at], seed[at:]] for at in range(len(seed) + 1)]
            for pieces in (*cuts, [seed[at : at + 1] for at in range(len(seed))]):
                ways += 1
                if repr(await feed(target, pieces, variant)) != whole:
                    raise Finding(f"{target.name}, variant {variant}: {pieces!r} gives something else than the whole")
    return ways


async def costs(target: Target, data: bytes, variant: int) -> float:
    """Seconds of processor time, the least of three tries: the rest is other people's."""
    least = 1e9
    for _ in range(3):
        began = time.thread_time()
        await feed(target, [data], variant)
        least = min(least, time.thread_time() - began)
    return least


async def fuzz(target: Target, seed: int, count: int) -> tuple[list[str], float]:
    """Feed `count` inputs; the findings, and the highest cost in seconds."""
    findings: list[str] = []
    worst = 0.0
    rng = random.Random(f"{seed} {target.name}")
    maker = Maker(rng, target.seeds, target.words)
    for number in range(count):
        data = maker.make()
        variant = rng.randrange(target.variants)
        began = time.thread_time()
        try:
            found = await feed(target, [data], variant)
            took = time.thread_time() - began
            if took > (COST + COST_PER_OCTET * len(data)) / 2:
                took = await costs(target, data, variant)
                if took > COST + COST_PER_OCTET * len(data):
                    findings.append(f"input {number}, variant {variant} takes {took:.2f} s: {shown(data)}")
            worst = max(worst, took)
            if target.splits and number % SPLIT_EVERY == 0:
                pieces = cut(data, rng)
                if repr(await feed(target, pieces, variant)) != repr(found):
                    findings.append(f"input {number}, variant {variant}: pieces give something else: {shown(data)}")
        except Exception:  # whatever it is, it is what this campaign looks for
            findings.append(f"input {number}, variant {variant}: {shown(data)}\n{traceback.format_exc(limit=-2)}")
        if len(findings) >= TOLD:
            break
    return findings, worst


def long_inputs(target: Target) -> Iterator[bytes]:
    """Each word again and again: alone, and in the middle of a transcript; each transcript again and again."""
    for word in (*target.words, *EDGES):
        many = word * (LONG // len(word))
        yield many
        for seed in target.seeds[:LONG_SEEDS]:
            yield seed[: len(seed) // 2] + many + seed[len(seed) // 2 :]
    for seed in target.seeds:
        yield seed * (LONG // len(seed))


async def strain(target: Target, rng: random.Random, share: float) -> tuple[list[str], int]:
    """Feed a share of the long inputs; the findings, and how many inputs that were.

    What is quadratic in Python takes seconds for so many octets.
    """
    findings: list[str] = []
    count = 0
    for data in long_inputs(target):
        if rng.random() >= share:
            continue
        count += 1
        variant = rng.randrange(target.variants)
        try:
            began = time.thread_time()
            await feed(target, [data], variant)
            took = time.thread_time() - began
            bar = COST + LONG_COST_PER_OCTET * len(data)
            if took > bar:
                half = await costs(target, data[: len(data) // 2], variant)
                took = await costs(target, data, variant)
                if took > bar * FAR_TOO_MUCH or (took > bar and took > half * LINEAR):
                    findings.append(f"variant {variant} takes {took:.2f} s, half of it {half:.2f} s: {shown(data)}")
        except Exception:  # as above
            findings.append(f"variant {variant}: {shown(data)}\n{traceback.format_exc(limit=-2)}")
        if len(findings) >= TOLD:
            break
    return findings, count


async def campaign(seed: int, share: float, report: Report) -> list[str]:
    """All targets; what was found."""
    findings: list[str] = []
    count = max(100, round(INPUTS * share))
    for target in TARGETS:
        began = time.monotonic()
        ways = await every_split(target) if target.splits else 0
        found, worst = await fuzz(target, seed, count)
        strained, long = await strain(target, random.Random(f"{seed} {target.name} long"), share)
        findings += [f"{target.name}: {text}" for text in (*found, *strained)]
        split = f", {ways} ways to cut its transcripts" if ways else ""
        spent = time.monotonic() - began
        report.tell(
            f"{target.name}: {count} inputs, the costliest took {worst * 1e3:.0f} ms; {long} of {LONG} octets{split}; "
            f"{len(found) + len(strained)} findings ({spent:.0f} s)"
        )
    return findings


def run(seed: int, share: float, report: Report) -> None:
    """INPUTS × share inputs for each target."""
    gc.freeze()  # what the process has loaded so far is not looked through again and again
    findings = trio.run(campaign, seed, share, report)
    if findings:
        raise Finding("\n".join(findings))
