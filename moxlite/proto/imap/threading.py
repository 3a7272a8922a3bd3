"""The THREAD algorithms (RFC 5256 §3): messages in, the threads of a ``* THREAD`` line out.

Theory of operation
-------------------
Mailboxes are threaded again when a message has come, so what took long is kept: `Subjects` and `References` hold a few
numbers for each message, and more messages can be added. Strings are kept as their hash: Python keys it with 64 secret
bits, so that an attacker cannot make two ids that are equal by it.

What may come to stand in one thread, as it is linked or has one subject, is a group. A message that comes concerns its
own group and no other: only the threads of that are made again, and put into the line that was written last. A mailbox
that is threaded once needs no groups, so they are made when the first messages have come. An answer to a message, with
nothing below it, needs none either: it is put into the line below that one, however long the thread may be.

REFERENCES links each message to the one it answers, by the ids in References (step 1, in `References.add`); ids of
messages that aren't here become nodes without a message. They are passed over when threads are written, or stand as the
common parent of their children (steps 2 and 3). What has no references is gathered by base subject (step 5). Messages
are taken in the order of their dates, so that children and threads come in order (steps 4 and 6). Nothing recurses: a
thread may be deeper than Python's stack.
"""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from msgspec import Struct

__all__ = ["MAX_DEPTH", "References", "Subjects", "Threadable"]

MAX_DEPTH: Final = 500
"""Ancestors looked at before a link is made, so that the cost is bound for any references. A deeper thread is split."""

FEW: Final = 16
"""Hashes that are searched for one by one, and threads that are put into the line one by one. In 20,000 messages each
takes 0.1 ms; to look at all hashes takes 2, to write all threads 10.
"""

_NONE: Final = -1
"""In place of a node or message."""

_OPEN: Final = ord("(")
_CLOSE: Final = ord(")")
_BRACKETS: Final = re.compile(rb"[()]")
_NUMBER: Final = re.compile(rb"[0-9]+")


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

    _alone: ClassVar[int | None] = None
    """The hash of a subject that gathers nothing."""

    def __init__(self) -> None:
        self._dates = array("q")  # by message, as the next two
        self._subjects = array("q")  # hashes; 0 for none
        self._begins = bytearray()  # whether a thread in the line begins with it
        self._firsts = array("i")  # the messages that threads begin with, in the order of the line
        self._line = bytearray()
        self._groups: _Groups | None = None
        self._changed: list[int] = []  # nodes that are new, or hang elsewhere, since the line was written
        self._written = 0  # messages in the line

    def __len__(self) -> int:
        return len(self._dates)

    def add(self, messages: Sequence[Threadable]) -> None:
        """More messages, by ascending number."""
        before = len(self)
        for message in messages:
            self._dates.append(message.date)
            self._subjects.append(hash(message.subject))
            self._begins.append(0)
        self._link(messages)
        self._changed += self._nodes(range(before, len(self)))
        if self._groups is not None:
            self._regroup(self._groups, before)

    # Nodes: here they are the messages.

    def _link(self, messages: Sequence[Threadable]) -> None:
        """Make nodes of messages, and hang them where they belong."""

    def _nodes(self, messages: Sequence[int]) -> Sequence[int]:
        """The nodes of messages."""
        return messages

    def _messages(self, nodes: list[int]) -> list[int]:
        """The messages of nodes."""
        return nodes

    def _links(self) -> Sequence[int]:
        """By node, the one that it hangs below, or `_NONE`."""
        return array("i", [_NONE]) * len(self)

    # Groups

    def _make_groups(self) -> _Groups:
        groups = _Groups([node if above < 0 else above for node, above in enumerate(self._links())])
        firsts: dict[int, int] = {}
        for node, subject in zip(self._nodes(range(len(self))), self._subjects, strict=True):
            if subject != self._alone:
                groups.unite(node, firsts.setdefault(subject, node))
        return groups

    def _regroup(self, groups: _Groups, before: int) -> None:
        """Bring the groups up to date when there were so many messages before."""
        links = self._links()
        groups.grow(len(links))
        for node in self._changed:
            if links[node] >= 0:
                groups.unite(node, links[node])
        subjects = self._subjects[before:]
        firsts = _positions(self._subjects, set(subjects) if len(subjects) <= FEW else None)
        same = self._nodes([firsts[subject] for subject in subjects])
        for node, other, subject in zip(self._nodes(range(before, len(self))), same, subjects, strict=True):
            if subject != self._alone:
                groups.unite(node, other)

    # Writing

    def octets(self, numbers: Sequence[int], *, go_on: bool = False) -> bytes:
        """The threads as they are written.

        Args:
          numbers: of the messages, as they are told.
          go_on: they are those of the last time, followed by those of messages that were added since.
        """
        if not (go_on and self._write_leaves(numbers)):
            groups = self._groups if go_on else None
            nodes = None if groups is None else groups.members(self._changed, len(self) // 2)
            if nodes is None or not self._write_some(self._messages(nodes), numbers):
                self._write_all(numbers)
            if go_on and groups is None:
                self._groups = self._make_groups()
        self._written = len(self)
        self._changed.clear()
        return bytes(self._line)

    def _write_leaves(self, numbers: Sequence[int]) -> bool:
        """Put the new messages into the line, if each only hangs below a message, and nothing below it; else False."""
        return not self._changed

    def _write_all(self, numbers: Sequence[int]) -> None:
        firsts, texts = self._threads(sorted(range(len(self)), key=self._dates.__getitem__), numbers)
        self._firsts = array("i", firsts)
        self._begins = bytearray(len(self))
        for first in firsts:
            self._begins[first] = 1
        self._line = bytearray("".join(texts), "ascii")

    def _write_some(self, messages: list[int], numbers: Sequence[int]) -> bool:
        """Put the threads of these messages in place of those which they had; False when that is too much."""
        before = [message for message in messages if self._begins[message]]
        after, texts = self._threads(sorted(messages, key=self._age), numbers)
        if len(before) + len(after) > FEW:
            return False
        firsts = self._firsts
        for first in before:
            begin, end = self._begin(first, numbers), self._end(first, numbers)
            del self._line[begin:end]
            del firsts[bisect_left(firsts, self._age(first), key=self._age)]
            self._begins[first] = 0
        for first, text in zip(after, texts, strict=True):
            end = self._end(first, numbers)
            self._line[end:end] = text.encode()
            firsts.insert(bisect_left(firsts, self._age(first), key=self._age), first)
            self._begins[first] = 1
        return True

    def _end(self, first: int, numbers: Sequence[int]) -> int:
        """Where threads begin in the line that are younger than that of `first`."""
        place = bisect_right(self._firsts, self._age(first), key=self._age)
        return self._begin(self._firsts[place], numbers) if place < len(self._firsts) else len(self._line)

    def _begin(self, first: int, numbers: Sequence[int]) -> int:
        """Where the thread begins in the line whose first message is `first`."""
        line, number = self._line, numbers[first]
        at = line.find(b"(%d " % number)
        if at < 0:
            at = line.index(b"(%d)" % number)
        return at - 1 if at and line[at - 1] == _OPEN else at

    def _age(self, message: int) -> tuple[int, int]:
        return self._dates[message], message

    def _threads(self, order: Sequence[int], numbers: Sequence[int]) -> tuple[list[int], list[str]]:
        """The threads of messages, which come by date, those of one date by number: the first message of each, and how
        it is written; by the dates of these.
        """
        threads: dict[int, list[int]] = {}
        for message in order:
            threads.setdefault(self._subjects[message], []).append(message)
        # dict order is that of the first messages' dates
        texts = [_subject_thread([numbers[message] for message in thread]) for thread in threads.values()]
        return [thread[0] for thread in threads.values()], texts


class _Groups:
    """Nodes in groups, which only grow. They are a forest, in which each root stands for a group, and a ring each."""

    def __init__(self, above: Iterable[int]) -> None:
        """`above`: for each node another one of its group, or itself; not in circles."""
        self._above = array("i", above)
        ring = self._ring = array("i", range(len(self._above)))
        for node in range(len(ring)):
            root = self._root(node)
            if root != node:
                ring[node], ring[root] = ring[root], node

    def grow(self, count: int) -> None:
        """There are so many nodes by now. Each new one is a group."""
        self._above.extend(range(len(self._above), count))
        self._ring.extend(range(len(self._ring), count))

    def _root(self, node: int) -> int:
        above = self._above
        while (higher := above[node]) != node:
            above[node] = node = above[higher]
        return node

    def unite(self, node: int, other: int) -> None:
        """Make one group of two."""
        one, two = self._root(node), self._root(other)
        if one != two:
            self._above[one] = two
            self._ring[one], self._ring[two] = self._ring[two], self._ring[one]

    def members(self, nodes: Iterable[int], limit: int) -> list[int] | None:
        """All nodes in the groups of these; None when there are more than `limit`."""
        found: list[int] = []
        ring = self._ring
        for root in {self._root(node) for node in nodes}:
            found.append(root)
            node = ring[root]
            while node != root:
                found.append(node)
                node = ring[node]
                if len(found) > limit:
                    return None
        return found


def _positions(values: array[int], wanted: set[int] | None) -> dict[int, int]:
    """Where hashes stand first in `values`: all of them, or those that are wanted and there."""
    if wanted is None or len(wanted) > FEW:
        return dict(zip(reversed(values), range(len(values) - 1, -1, -1), strict=True))
    found: dict[int, int] = {}
    size, octets = values.itemsize, values.tobytes()
    for value in wanted:
        what = value.to_bytes(size, sys.byteorder, signed=True)
        at = octets.find(what)
        while at >= 0 and at % size:
            at = octets.find(what, at + 1)
        if at >= 0:
            found[value] = at // size
    return found


def _subject_thread(thread: list[int]) -> str:
    if len(thread) < 3:
        return f"({' '.join(map(str, thread))})"
    return f"({thread[0]} ({')('.join(map(str, thread[1:]))}))"


class References(Subjects):
    """REFERENCES."""

    _alone = 0

    def __init__(self) -> None:
        super().__init__()
        self._responses = bytearray()
        self._node = array("i")
        self._ids = array("q")  # by node, as all that follow: hashes, 0 for a message without an id, or with another's
        self._parents = array("i")
        self._message = array("i")
        self._used = bytearray()  # whether something was put below the node
        self._depth = array("i")  # how many are above, at least

    def _link(self, messages: Sequence[Threadable]) -> None:
        """See `Subjects._link`. Step 1."""
        few = len(messages) <= FEW
        named = {id_ for one in messages for id_ in (one.id, *one.references) if id_ is not None} if few else None
        ids = _positions(self._ids, None if named is None else set(map(hash, named)))
        ids.pop(0, None)
        for message in messages:
            self._responses.append(message.response)
            self._add(message, ids)

    def _nodes(self, messages: Sequence[int]) -> Sequence[int]:
        return list(map(self._node.__getitem__, messages))

    def _messages(self, nodes: list[int]) -> list[int]:
        return [message for message in map(self._message.__getitem__, nodes) if message >= 0]

    def _links(self) -> Sequence[int]:
        return self._parents

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
        self._changed.append(node)
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

    def _threads(self, order: Sequence[int], numbers: Sequence[int]) -> tuple[list[int], list[str]]:
        """See `Subjects._threads`. Steps 2 to 6."""
        roots, children = self._trees(order)
        self._gather(roots, children)
        firsts = [root if root >= 0 else children[root][0] for root in roots]
        return firsts, [_thread(root, children, numbers) for root in roots]

    # A tree is named by its message, or, when only children are there, by a negative number.

    def _write_leaves(self, numbers: Sequence[int]) -> bool:
        """See `Subjects._write_leaves`: the answers to what is here, which are most of what comes in long threads."""
        nodes = self._node[self._written :]
        if len(nodes) > FEW or not set(nodes).issuperset(self._changed):
            return False
        places: list[int] = []
        for node in nodes:
            above = self._parents[node]
            while above >= 0 and self._message[above] < 0:
                above = self._parents[above]
            if above < 0 or self._used[node]:
                return False
            places.append(self._message[above])
        for message, parent in enumerate(places, self._written):
            self._hang(message, parent, numbers)
        return True

    def _hang(self, message: int, parent: int, numbers: Sequence[int]) -> None:
        """Put a message into the line, below `parent`, whose children follow it there in the order of their dates."""
        line, own, number = self._line, b"%d" % numbers[message], numbers[parent]
        at = max([line.find(form % number) for form in (b"(%d ", b"(%d)", b" %d ", b" %d)")]) + 1 + len(str(number))
        if line[at] == _CLOSE:
            line[at:at] = b" " + own
            return
        lists: list[int] = []  # where the children's begin
        depth = end = 0
        for match in _BRACKETS.finditer(bytes(memoryview(line)[at:])):
            end = at + match.start()
            if line[end] == _OPEN:
                if not depth:
                    lists.append(end)
                depth += 1
            elif depth:
                depth -= 1
            else:
                break
        if line[at + 1] != _OPEN:  # a lone child goes on in the same list
            lists = [at + 1]
            line[end:end] = b")"
            line[at + 1 : at + 1] = b"("
            end += 2
        for start in lists:
            found = _NUMBER.match(line, start + 1)
            assert found is not None
            child = int(found[0])
            if self._age(bisect_left(numbers, child)) > self._age(message):
                end = start
                break
        line[end:end] = b"(%b)" % own

    def _trees(self, order: Sequence[int]) -> tuple[list[int], dict[int, list[int]]]:
        """Steps 2 to 4: roots and children, by date. Roots without a message have several children."""
        nodes, parents, messages = self._node, self._parents, self._message
        roots: list[int] = []
        children: dict[int, list[int]] = {}
        for message in order:
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


def _thread(root: int, children: dict[int, list[int]], numbers: Sequence[int]) -> str:
    """A lone child goes on in the same list; several are lists of their own (RFC 5256 §4)."""
    if root not in children:
        return f"({numbers[root]})"
    out: list[str] = []
    write = out.append
    lists = [iter((root,))]
    while lists:
        for tree in lists[-1]:
            below = children.get(tree)
            if below is None:
                write(f"({numbers[tree]})")
                continue
            write(f"({numbers[tree]}" if tree >= 0 else "(")
            while below is not None and len(below) == 1:
                tree = below[0]
                write(f" {numbers[tree]}")
                below = children.get(tree)
            if below is None:
                write(")")
                continue
            if tree >= 0:
                write(" ")
            lists.append(iter(below))
            break
        else:
            lists.pop()
            write(")" if lists else "")
    return "".join(out)
