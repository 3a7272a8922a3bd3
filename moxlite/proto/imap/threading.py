"""The THREAD algorithms (RFC 5256 §3): messages in, the threads of a ``* THREAD`` line out.

Theory of operation
-------------------
Mailboxes are threaded again when a message has come, so what took long is kept: `Subjects` and `References` hold a few
numbers for each message, and more messages can be added. Strings are kept as their hash: Python keys it with 64 secret
bits, so that nobody can make two ids that are equal by it.

REFERENCES links each message to the one it answers, by the ids in References (step 1, in `References.add`); ids of
messages that aren't here become nodes without a message. They are passed over when threads are written, or stand as the
common parent of their children (steps 2 and 3). What has no references is gathered by base subject (step 5). Messages
are taken in the order of their dates, so that children and threads come in order (steps 4 and 6). Nothing recurses: a
thread may be deeper than Python's stack.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

__all__ = ["MAX_DEPTH", "References", "Subjects", "Threadable"]

MAX_DEPTH: Final = 500
"""Ancestors looked at before a link is made, so that the cost is bound for any references. A deeper thread is split."""

_NONE: Final = -1
"""In place of a node or message."""


class Threadable(Struct, frozen=True, gc=False):
    """What threads are made of.

    Attributes:
      id: the Message-ID, None without one. references: ids of its ancestors, the nearest last. subject: the base
        subject. response: whether the subject says that it's a reply or forward. date: when it was sent.
    """

    id: str | None
    references: Sequence[str]
    subject: str
    response: bool
    date: int


class Subjects:
    """ORDEREDSUBJECT: messages of one base subject are a thread, its first message the parent of all others."""

    def __init__(self) -> None:
        self._dates = array("q")  # by message, as all that follow
        self._subjects = array("q")  # hashes; 0 for none

    def __len__(self) -> int:
        return len(self._dates)

    def add(self, messages: Iterable[Threadable]) -> None:
        """More messages, by ascending number."""
        for message in messages:
            self._dates.append(message.date)
            self._subjects.append(hash(message.subject))

    def _by_date(self) -> list[int]:
        """The messages, those of one date by number."""
        return sorted(range(len(self._dates)), key=self._dates.__getitem__)

    def octets(self, numbers: Sequence[int]) -> bytes:
        """The threads as they are written; `numbers` of the messages, as they are told."""
        threads: dict[int, list[int]] = {}
        for message in self._by_date():
            threads.setdefault(self._subjects[message], []).append(numbers[message])
        # dict order is that of the first messages' dates
        return "".join([_subject_thread(thread) for thread in threads.values()]).encode()


def _subject_thread(thread: list[int]) -> str:
    if len(thread) < 3:
        return f"({' '.join(map(str, thread))})"
    return f"({thread[0]} ({')('.join(map(str, thread[1:]))}))"


class References(Subjects):
    """REFERENCES."""

    def __init__(self) -> None:
        super().__init__()
        self._responses = bytearray()
        self._node = array("i")
        self._ids = array("q")  # by node, as all that follow: hashes, 0 for a message without an id, or with another's
        self._parents = array("i")
        self._message = array("i")
        self._used = bytearray()  # whether something was put below the node
        self._depth = array("i")  # how many are above, at least

    def add(self, messages: Iterable[Threadable]) -> None:
        """See `Subjects.add`. Step 1."""
        ids = {id_: node for node, id_ in enumerate(self._ids) if id_}
        for message in messages:
            self._dates.append(message.date)
            self._subjects.append(hash(message.subject))
            self._responses.append(message.response)
            self._add(message, ids)

    def _new(self, id_: int) -> int:
        """A node, as yet without a message."""
        self._ids.append(id_)
        self._parents.append(_NONE)
        self._message.append(_NONE)
        self._used.append(0)
        self._depth.append(0)
        return len(self._parents) - 1

    def _add(self, message: Threadable, ids: dict[int, int]) -> None:
        parents = self._parents
        node = None
        id_ = 0 if message.id is None else hash(message.id)
        if id_:
            node = ids.get(id_)
            if node is None:
                node = ids[id_] = self._new(id_)
            elif self._message[node] >= 0:
                node = None  # the id is another message's
        if node is None:
            node = self._new(0)
        self._message[node] = len(self._node)
        self._node.append(node)
        above = _NONE
        for reference in message.references:
            id_ = hash(reference)
            found = ids.get(id_)
            if found is None:
                found = ids[id_] = self._new(id_)
            if above >= 0 and parents[found] < 0:
                self._put(found, above)
            above = found
        # The message itself knows best whom it answers; what others' references said of it may have been cut.
        if parents[node] != above:
            parents[node] = _NONE
            if above >= 0:
                self._put(node, above)

    def _put(self, node: int, above: int) -> None:
        """Make a node the child of another one, unless that is below it, or too deep to tell."""
        if node == above:
            return
        if (self._used[node] or self._depth[above] >= MAX_DEPTH - 1) and self._is_above(node, above):
            return
        self._parents[node] = above
        self._used[above] = 1
        self._depth[node] = self._depth[above] + 1

    def _is_above(self, node: int, other: int) -> bool:
        at = other
        for _ in range(MAX_DEPTH):
            if at < 0:
                return False
            if at == node:
                return True
            at = self._parents[at]
        return True

    def octets(self, numbers: Sequence[int]) -> bytes:
        """See `Subjects.octets`. Steps 2 to 6."""
        roots, children = self._trees()
        self._gather(roots, children)
        return _written(roots, children, numbers)

    # A tree is named by its message, or, when only children are there, by a negative number.

    def _trees(self) -> tuple[list[int], dict[int, list[int]]]:
        """Steps 2 to 4: roots and children, by date. Roots without a message have several children."""
        nodes, parents, messages = self._node, self._parents, self._message
        roots: list[int] = []
        children: dict[int, list[int]] = {}
        for message in self._by_date():
            node = parents[nodes[message]]
            if node < 0:
                roots.append(message)
                continue
            parent = messages[node]
            while parent < 0:
                higher = parents[node]
                if higher < 0:
                    parent = -1 - node
                    break
                node = higher
                parent = messages[node]
            below = children.get(parent)
            if below is not None:
                below.append(message)
                continue
            children[parent] = [message]
            if parent < 0:
                roots.append(parent)
        for position, root in enumerate(roots):
            if root < 0 and len(children[root]) == 1:
                roots[position] = children.pop(root)[0]
        return roots, children

    def _gather(self, roots: list[int], children: dict[int, list[int]]) -> None:
        """Step 5: roots with the same base subject become one thread."""
        table: dict[int, int] = {}
        subjects: dict[int, int] = {}
        responses = self._responses
        for root in roots:
            subject = self._subjects[root if root >= 0 else children[root][0]]
            if not subject:
                continue
            subjects[root] = subject
            held = table.get(subject)
            if held is None or (held >= 0 and (root < 0 or (responses[held] and not responses[root]))):
                table[subject] = root
        if len(table) == len(subjects):
            return  # all differ
        found = dict.fromkeys(roots)
        changed: set[int] = set()
        fresh = -1 - len(self._parents)
        for root, subject in subjects.items():
            held = table[subject]
            if held == root:
                continue
            del found[root]
            if held < 0 and root < 0:
                children[held] += children.pop(root)
            elif held < 0 or (responses[root] and not responses[held]):
                children.setdefault(held, []).append(root)
            else:
                del found[held]
                table[subject], children[fresh] = fresh, [held, root]
                held = fresh
                found[held] = None
                fresh -= 1
            changed.add(held)
        for root in changed:
            children[root].sort(key=self._age)
        roots[:] = sorted(found, key=lambda root: self._age(root if root >= 0 else children[root][0]))

    def _age(self, message: int) -> tuple[int, int]:
        return self._dates[message], message


def _written(roots: list[int], children: dict[int, list[int]], numbers: Sequence[int]) -> bytes:
    """A lone child goes on in the same list; several are lists of their own (RFC 5256 §4)."""
    out: list[str] = []
    write = out.append
    waiting: list[int | None] = []  # None ends a list
    for root in roots:
        waiting.append(root)
        while waiting:
            tree = waiting.pop()
            if tree is None:
                write(")")
                continue
            below = children.get(tree)
            if tree < 0:
                write("(")
            else:
                write(f"({numbers[tree]}")
                while below is not None and len(below) == 1:
                    tree = below[0]
                    write(f" {numbers[tree]}")
                    below = children.get(tree)
                if below is not None:
                    write(" ")
            waiting.append(None)
            if below is not None:
                waiting += reversed(below)
    return "".join(out).encode()
