"""Codes by which the owner of an address agrees to get mail, or refuses (QUEUE-179): in the link of a question and in
the address for its answers.

A code is in lower case, as mail programs may change the case of an address: a tag of the account, which says where the
question is kept, and the question's secret.
"""

import base64
import hashlib
import re
from functools import lru_cache
from typing import Final

from moxlite.config.snapshot import Snapshot
from moxlite.proto.address import Address, Domain, Localpart, Path

TAG: Final = 8
"""Characters of an account's tag, 40 bits: accounts of one server do not share one."""

PREFIX: Final = "consent-"
CODE: Final = re.compile(rf"[a-z2-7]{{{TAG + 26}}}")
WORD: Final = re.compile(r"[^\W\d_]+")

YES: Final = frozenset({"yes", "ja", "oui", "sí", "si", "ok"})
NO: Final = frozenset({"no", "nein", "non", "nee"})
"""First words of an answer, in the languages of the pages."""


def make_code(account: str, token: str) -> str:
    """The code of a question with this secret of `ask_target`."""
    return _tag(account) + token


def account_of(snapshot: Snapshot, code: str) -> tuple[str, str] | None:
    """The account and the secret of a code; None for another text, and for a code without an account."""
    if CODE.fullmatch(code) is None:
        return None
    name = next((account for account in snapshot.domains.accounts if _tag(account) == code[:TAG]), None)
    return None if name is None else (name, code[TAG:])


def answer_address(code: str, domain: Domain) -> Address:
    """The address for answers to a question of a domain."""
    return Address(Localpart(PREFIX + code), domain)


def code_of(snapshot: Snapshot, path: Path) -> str | None:
    """The code in an address for answers; None for all other addresses. Whether there is such a question is not
    looked up.
    """
    localpart = path.localpart.lower()
    if not localpart.startswith(PREFIX) or CODE.fullmatch(localpart[len(PREFIX) :]) is None:
        return None
    domain = snapshot.domain(path.host) if isinstance(path.host, Domain) else None
    return None if domain is None or domain.disabled else localpart[len(PREFIX) :]


def read_answer(text: str) -> bool | None:
    """Whether an answer agrees, by its first word; None if that is neither yes nor no.

    Args:
      text: without quotes, as in previews.
    """
    match = WORD.search(text)
    word = "" if match is None else match[0].casefold()
    return True if word in YES else False if word in NO else None


@lru_cache(1 << 16)  # 5,000 accounts: 50 ms, which a stranger's request would take each time
def _tag(account: str) -> str:
    return base64.b32encode(hashlib.sha256(account.encode()).digest()[:5]).decode().lower()
