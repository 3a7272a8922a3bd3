"""``moxlite junk``: retraining and pruning the junk filters of accounts, and explaining their judgements (STORE-87,
STORE-193).
"""

import contextlib
import os
from pathlib import Path

import click

from moxlite.cli.common import Failure, note, perform, settings, show
from moxlite.cli.files import on_files, served
from moxlite.escapes import printable
from moxlite.operations.store import JunkDone, JunkExplain, JunkExplained, JunkPrune, JunkRetrain
from moxlite.wording import counted


@click.group()
def junk() -> None:
    """Manage accounts' junk filters."""


@junk.command()
@click.argument("name", required=False)
def retrain(name: str | None) -> None:
    """Retrain the junk filter for NAME or all accounts. This uses message flags.

    Mail service isn't interrupted. This works even if the server isn't running.
    """

    def directly() -> list[JunkDone]:
        from moxlite.admin.junk import retrain_accounts

        async def tell(line: str) -> None:
            note(line)

        return on_files(name, lambda accounts, names: retrain_accounts(accounts, names, tell))

    _report(
        served(lambda: perform(JunkRetrain(name or ""), progress=note), directly),
        "message",
        "learned",
    )


@junk.command()
@click.argument("name", required=False)
@click.option(
    "--days", type=click.IntRange(1), default=180, show_default=True, help="Minimum time since a word was last seen."
)
def prune(name: str | None, days: int) -> None:
    """Delete old words that only occurred once. This is for account NAME, or for all accounts.

    This makes databases smaller. To restore the words, use `moxlite junk retrain`.
    """

    def directly() -> list[JunkDone]:
        from moxlite.admin.junk import prune_accounts

        return on_files(name, lambda accounts, names: prune_accounts(accounts, names, days))

    _report(served(lambda: perform(JunkPrune(name or "", days)), directly), "word", "dropped")


@junk.command()
@click.argument("account")
@click.argument("message", metavar="MESSAGE-ID|FILE")
def explain(account: str, message: str) -> None:
    """Explain why a message is classified as junk or not. This uses ACCOUNT's filter, and shows the most important
    words.

    Specify a file, or the number or Message-ID of a message in the account.
    """
    octets = b""
    if os.path.isfile(message):  # noqa: PTH113 - pathlib raises for a Message-ID that is too long for a name
        try:
            octets = Path(message).read_bytes()
        except OSError as error:
            raise Failure(f"can't read {message}: {error.strerror or error}") from None
        message = ""
        if not octets:
            raise Failure("the file is empty")

    def directly() -> JunkExplained:
        from moxlite.admin.junk import JunkFailed, explain_message

        try:
            return on_files(account, lambda accounts, _: explain_message(accounts, account, message, octets))
        except JunkFailed as error:
            raise Failure(str(error)) from None

    found = served(lambda: perform(JunkExplain(account, message), upload=octets), directly)
    if settings().as_json:
        show([found], (), as_json=True)
    else:
        _print_explained(found)


def _print_explained(result: "JunkExplained") -> None:
    above = result.probability > result.threshold or result.opening > result.opening_threshold
    verdict = "junk" if above else "not junk"
    if result.missing:
        verdict = "the filter doesn't know yet"
    print(
        f"{verdict}: probability {result.probability:.4f}, junk above {result.threshold:.2f}, "
        f"almost certain above {result.certain:.2f}"
    )
    print(f"beginning: probability {result.opening:.4f}, junk above {result.opening_threshold:.2f}")
    if result.missing:
        print(f"missing: has {', '.join(result.missing)}")
    print(f"learned: {result.hams} ham, {result.spams} junk")
    print(f"words: {result.message_words} in the message, {result.known_words} known, {result.used_words} used")
    if result.trained:
        print(f"this message was used for training as {result.trained}")
    if result.words:
        print()
        width = max(len(printable(used_word.word)) for used_word in result.words)
        print(f"{'word':{width}}  {'ham':>6}  {'junk':>6}  suggests junk")
        for word in result.words:
            print(f"{printable(word.word):{width}}  {word.ham:6}  {word.spam:6}  {word.probability:.3f}")


@junk.command()
@click.argument("ham", metavar="HAM.mbox", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("spam", metavar="SPAM.mbox", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--train",
    type=click.FloatRange(0.01, 0.99),
    default=0.5,
    show_default=True,
    help="Proportion of messages to train with.",
)
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.95, show_default=True, help="Junk threshold.")
@click.option("--twograms", is_flag=True, help="Also use word pairs.")
@click.option("--threegrams", is_flag=True, help="Also use word triples.")
def play(ham: Path, spam: Path, train: float, threshold: float, twograms: bool, threegrams: bool) -> None:
    """Test the junk filter or its settings with your own mail.

    This trains a filter with a part of two mbox files, then checks how well the rest is classified. This doesn't save
    anything.
    """
    from moxlite.store.junk.classify import play as judge_all
    from moxlite.store.junkflags import Grams, JunkParams

    params = JunkParams(threshold=threshold, grams=Grams(True, twograms, threegrams))
    result = judge_all(_mbox(ham), _mbox(spam), params, train=train)
    print(f"learned: {result.learned.hams} ham, {result.learned.spams} junk")
    if result.lacks:
        note(f"too little to reject mail: has {', '.join(map(str, result.lacks))}")
    print(f"ham passed: {result.kept} of {result.hams} ({result.ham_share:.1%})")
    print(f"junk caught: {result.caught} of {result.spams} ({result.spam_share:.1%})")


def _mbox(path: Path) -> list[bytes]:
    import mailbox

    with contextlib.closing(mailbox.mbox(path, create=False)) as box:
        messages = [box.get_bytes(key) for key in box.keys()]  # noqa: SIM118 - a mailbox iterates over messages
    if len(messages) < 2:
        raise Failure(f"{path} only has {counted(len(messages), 'message')}; at least 2 are required")
    return messages


def _report(results: "list[JunkDone]", what: str, done: str) -> None:
    if settings().as_json:
        show(results, (), as_json=True)
    else:
        for result in results:
            plural = "" if result.count == 1 else "s"
            text = printable(result.note) if result.note else f"{result.count} {what}{plural} {done}"
            print(f"{result.account}: {text}")
    failed = [one.account for one in results if one.failed]
    if failed:
        raise Failure(f"failed for {', '.join(failed)}")
