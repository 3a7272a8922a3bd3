"""The THREAD algorithms (RFC 5256 §3): messages in, the threads of a ``* THREAD`` line out.

Theory of operation
-------------------
A mailbox is threaded again after each new message, so the expensive results are kept: `Subjects` and `References` hold
a few numbers per message, and messages can be added. Strings are kept as their hash, which Python keys with 64 secret
bits, so that an attacker cannot construct colliding ids.

A group is a set of messages that may be in one thread, since they are linked or have the same subject. A new message
affects only its own group: the threads of that group are computed again and replaced in the last written line. A
mailbox that is threaded once needs no groups, so they are made when the first message is added. A reply without
children does not need them either: it is inserted into the line below its parent, however long the thread is.

REFERENCES links each message to the message that it answers, by the ids in References (step 1, in `References._link`).
Ids of missing messages become nodes without a message. When threads are written, such a node is skipped, or is the
common parent of its children (steps 2 and 3). Threads with the same base subject are merged (step 5). Messages are
processed by date, so that children and threads are sorted (steps 4 and 6). Nothing recurses: a thread may be deeper
than Python's stack.
"""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from msgspec import Struct

MAX_DEPTH: Final = 500
"""Number of ancestors checked before a link is made, which bounds the cost for any references. A deeper thread is
split.
"""

FEW: Final = 16
"""Number of hashes that are searched for one by one, and of threads that are replaced one by one. In 20,000 messages
each takes 0.1 ms; scanning all hashes takes 2 ms, writing all threads 10 ms.
"""

FEW_MISSING: Final = 1_000
"""Missing messages that are nodes, beside half as many as there are messages: a message may name 200 in its References.
Those beyond are passed over.
"""

_NONE: Final = -1
"""Number for a missing node or message."""

_OPEN: Final = ord("(")
_CLOSE: Final = ord(")")
_BRACKETS: Final = re.compile(rb"[()]")
_NUMBER: Final = re.compile(rb"[0-9]+")


class Threadable(Struct, frozen=True, gc=False):
    """The properties of a message that determine its thread.

    Attributes:
      id: the Message-ID, None without one. references: ids of its ancestors, the nearest last. subject: the base
        subject. response: whether the subject marks a reply or forward. date: when it was sent.
    """

    id: str | None
    references: Sequence[str]
    subject: str
    response: bool
    date: int


class Subjects:
    """ORDEREDSUBJECT: messages with one base subject are a thread; its first message is the parent of all others."""

    _alone: ClassVar[int | None] = None
    """Hash of the subject by which threads are not merged; None if there is no such subject."""

    def __init__(self) -> None:
        self._dates = array("q")  # by message, as the next two
        self._subjects = array("q")  # hashes; 0 for none
        self._begins = bytearray()  # whether a thread in the line begins with it
        self._firsts = array("i")  # the messages that threads begin with, in the order of the line
        self._line = bytearray()
        self._groups: _Groups | None = None
        self._changed: list[int] = []  # nodes that are new, or have a new parent, since the line was written
        self._written = 0  # messages in the line

    def __len__(self) -> int:
        return len(self._dates)

    def add(self, messages: Sequence[Threadable]) -> None:
        """Add messages, in ascending order of their numbers."""
        before = len(self)
        self._dates.extend([message.date for message in messages])
        self._subjects.extend([hash(message.subject) for message in messages])
        self._begins += bytes(len(messages))
        self._link(messages)
        self._changed += self._nodes(range(before, len(self)))
        if self._groups is not None:
            self._regroup(self._groups, before)

    # Nodes: in this class, the messages themselves.

    def _link(self, messages: Sequence[Threadable]) -> None:
        """Make nodes for messages, and link them to their parents."""

    def _nodes(self, messages: Sequence[int]) -> Sequence[int]:
        """The nodes of messages."""
        return messages

    def _messages(self, nodes: list[int]) -> list[int]:
        """The messages of nodes."""
        return nodes

    def _links(self) -> Sequence[int]:
        """Parent by node, or `_NONE`."""
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
        """Update the groups with the messages from number `before` on."""
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
        """Return the threads in wire form.

        Args:
          numbers: number to write for each message.
          go_on: `numbers` are the numbers of the last call, followed by the numbers of messages added since.
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
        """Insert the new messages into the line if all are replies without children; otherwise return False."""
        return not self._changed

    def _write_all(self, numbers: Sequence[int]) -> None:
        firsts, texts = self._threads(sorted(range(len(self)), key=self._dates.__getitem__), numbers)
        self._firsts = array("i", firsts)
        self._begins = bytearray(len(self))
        for first in firsts:
            self._begins[first] = 1
        self._line = bytearray()
        for text in texts:
            self._line += text.encode()

    def _write_some(self, messages: list[int], numbers: Sequence[int]) -> bool:
        """Replace the threads of these messages in the line; return False if there are too many."""
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
        """Index in the line of the first thread that is younger than the thread of `first`."""
        place = bisect_right(self._firsts, self._age(first), key=self._age)
        return self._begin(self._firsts[place], numbers) if place < len(self._firsts) else len(self._line)

    def _begin(self, first: int, numbers: Sequence[int]) -> int:
        """Index in the line of the thread whose first message is `first`."""
        line, number = self._line, numbers[first]
        at = line.find(b"(%d " % number)
        if at < 0:
            at = line.index(b"(%d)" % number)
        return at - 1 if at and line[at - 1] == _OPEN else at

    def _age(self, message: int) -> tuple[int, int]:
        return self._dates[message], message

    def _threads(self, order: Sequence[int], numbers: Sequence[int]) -> tuple[list[int], Iterable[str]]:
        """Compute the threads of messages, which are sorted by date and number.

        Returns:
          The first message of each thread, and each thread in wire form, both sorted by the date of the first message.
        """
        threads: dict[int, list[int]] = {}
        for message in order:
            threads.setdefault(self._subjects[message], []).append(message)
        # the dict is ordered by the dates of the first messages
        texts = (_subject_thread([numbers[message] for message in thread]) for thread in threads.values())
        return [thread[0] for thread in threads.values()], texts


class _Groups:
    """Union-find of nodes: groups only grow. Each group is a tree (to find its root) and a ring (to list its nodes)."""

    def __init__(self, above: Iterable[int]) -> None:
        """`above`: for each node another node of its group, or itself; without cycles."""
        self._above = array("i", above)
        ring = self._ring = array("i", range(len(self._above)))
        for node in range(len(ring)):
            root = self._root(node)
            if root != node:
                ring[node], ring[root] = ring[root], node

    def grow(self, count: int) -> None:
        """Add nodes up to `count`, each as a group of its own."""
        self._above.extend(range(len(self._above), count))
        self._ring.extend(range(len(self._ring), count))

    def _root(self, node: int) -> int:
        above = self._above
        while (higher := above[node]) != node:
            above[node] = node = above[higher]
        return node

    def unite(self, node: int, other: int) -> None:
        """Merge the groups of two nodes."""
        one, two = self._root(node), self._root(other)
        if one != two:
            self._above[one] = two
            self._ring[one], self._ring[two] = self._ring[two], self._ring[one]

    def members(self, nodes: Iterable[int], limit: int) -> list[int] | None:
        """All nodes in the groups of `nodes`; None if there are more than `limit`."""
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
    """First index of each hash in `values`; only of the `wanted` hashes, if given."""
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
    """REFERENCES: messages are linked by Message-ID and References, then threads are merged by base subject."""

    _alone = 0

    def __init__(self) -> None:
        super().__init__()
        self._responses = bytearray()
        self._node = array("i")
        self._ids = array(
            "q"
        )  # by node, as the following: hashes, 0 for a message without an id, or with the id of another message
        self._parents = array("i")
        self._message = array("i")
        self._used = bytearray()  # whether the node has had a child
        self._depth = array("i")  # lower bound of the number of ancestors

    def _link(self, messages: Sequence[Threadable]) -> None:
        """See `Subjects._link`. Step 1."""
        few = len(messages) <= FEW
        named = (
            {id_ for threadable in messages for id_ in (threadable.id, *threadable.references) if id_ is not None}
            if few
            else None
        )
        ids = _positions(self._ids, None if named is None else set(map(hash, named)))
        ids.pop(0, None)
        self._responses += bytes([message.response for message in messages])
        count = len(self._parents)
        spare = max(len(self) // 2 + FEW_MISSING - (count - len(self._node)), 0)
        self._grow(len(messages) + min(sum([len(message.references) for message in messages]), spare))
        room = len(self._parents)
        for left, message in zip(reversed(range(len(messages))), messages, strict=True):
            count = self._add(message, ids, count, room - left)
        self._grow(count - len(self._parents))

    def _grow(self, count: int) -> None:
        """Add room for nodes, or remove what was not used."""
        for column, fresh in (
            (self._ids, array("q", [0])),
            (self._parents, array("i", [_NONE])),
            (self._message, array("i", [_NONE])),
            (self._depth, array("i", [0])),
        ):
            if count > 0:
                column.extend(fresh * count)
            elif count:
                del column[count:]
        if count > 0:
            self._used += bytes(count)
        elif count:
            del self._used[count:]

    def _nodes(self, messages: Sequence[int]) -> Sequence[int]:
        return list(map(self._node.__getitem__, messages))

    def _messages(self, nodes: list[int]) -> list[int]:
        return [message for message in map(self._message.__getitem__, nodes) if message >= 0]

    def _links(self) -> Sequence[int]:
        return self._parents

    def _add(self, message: Threadable, ids: dict[int, int], count: int, most: int) -> int:
        """Add the nodes of a message, the new ones from number `count` on, up to `most`; returns the next number."""
        parents = self._parents
        id_ = 0 if message.id is None else hash(message.id)
        node = ids.get(id_, _NONE) if id_ else _NONE
        if node < 0 or self._message[node] >= 0:
            if id_ and node < 0:  # else it has no id, or that of another message
                ids[id_], self._ids[count] = count, id_
            node, count = count, count + 1
        self._message[node] = len(self._node)
        self._node.append(node)
        above = _NONE
        for reference in message.references:
            id_ = hash(reference)
            found = ids.get(id_, _NONE)
            if found < 0:
                if count >= most:
                    continue
                ids[id_], self._ids[count] = count, id_
                found, count = count, count + 1
            if above >= 0 and parents[found] < 0:
                self._put(found, above)
            above = found
        # A message's own References take precedence: References of other messages may have been truncated.
        if parents[node] != above:
            parents[node] = _NONE
            if above >= 0:
                self._put(node, above)
        return count

    def _put(self, node: int, above: int) -> None:
        """Link a node below `above`, unless `above` is its descendant or is too deep to check."""
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

    def _threads(self, order: Sequence[int], numbers: Sequence[int]) -> tuple[list[int], Iterable[str]]:
        """See `Subjects._threads`. Steps 2 to 6."""
        roots, children = self._trees(order)
        self._gather(roots, children)
        firsts = [root if root >= 0 else children[root][0] for root in roots]
        return firsts, (_thread(root, children, numbers) for root in roots)

    # A tree is identified by its message, or by a negative number if its root has no message.

    def _write_leaves(self, numbers: Sequence[int]) -> bool:
        """See `Subjects._write_leaves`: replies to existing messages, the usual case in long threads."""
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
        """Insert a message into the line below `parent`, among its children by date."""
        line, own, number = self._line, b"%d" % numbers[message], numbers[parent]
        at = max([line.find(form % number) for form in (b"(%d ", b"(%d)", b" %d ", b" %d)")]) + 1 + len(str(number))
        if line[at] == _CLOSE:
            line[at:at] = b" " + own
            return
        lists: list[int] = []  # indexes of the children's lists
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
        if line[at + 1] != _OPEN:  # an only child continues the same list
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
        """Steps 2 to 4: roots and children, sorted by date. Roots without a message have several children."""
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
        """Step 5: merge roots with the same base subject."""
        table: dict[int, int] = {}
        responses = self._responses
        count = 0
        for root in roots:
            subject = self._subjects[root if root >= 0 else children[root][0]]
            if not subject:
                continue
            count += 1
            held = table.get(subject)
            if held is None or (held >= 0 and (root < 0 or (responses[held] and not responses[root]))):
                table[subject] = root
        if len(table) == count:
            return  # all differ
        found = dict.fromkeys(roots)
        changed: set[int] = set()
        fresh = -1 - len(self._parents)
        for root in roots:
            subject = self._subjects[root if root >= 0 else children[root][0]]
            held = table[subject] if subject else root
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
    """Encode a thread: an only child continues its parent's list, several children are separate lists (RFC 5256 §4)."""
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
