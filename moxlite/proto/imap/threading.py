"""The THREAD algorithms (RFC 5256 §3): messages in, trees of their numbers out.

Theory of operation
-------------------
REFERENCES links each message to the one it answers, by the ids in References; ids of messages that aren't here become
nodes without a message, which are then pruned or stand as the common parent of their children. What has no references
is gathered by base subject. Nothing recurses: a thread may be deeper than Python's stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from .responses import ThreadTree

__all__ = ["MAX_DEPTH", "Threadable", "by_references", "by_subject"]

MAX_DEPTH: Final = 500
"""Ancestors looked at before a link is made, so that the cost is bound for any references. A deeper thread is split."""


class Threadable(Struct, frozen=True, gc=False):
    """What threads are made of.

    Attributes:
      number: of the message, as it is told. id: its Message-ID, None without one. references: ids of its ancestors, the
        nearest last. subject: the base subject. response: whether the subject says that it's a reply or forward. date:
        when it was sent.
    """

    number: int
    id: str | None
    references: Sequence[str]
    subject: str
    response: bool
    date: int


class _Node:
    __slots__ = ("children", "message", "parent")

    def __init__(self, message: Threadable | None = None) -> None:
        self.message = message
        self.parent: _Node | None = None
        self.children: list[_Node] = []

    def first(self) -> Threadable:
        """The message, or that of the first child: nodes without one always have children when this is called."""
        node = self
        while node.message is None:
            node = node.children[0]
        return node.message

    def adopt(self, child: _Node) -> None:
        child.parent = self
        self.children.append(child)


def by_subject(messages: Iterable[Threadable]) -> tuple[ThreadTree, ...]:
    """ORDEREDSUBJECT: messages of one base subject are a thread, its first message the parent of all others."""
    threads: dict[str, list[Threadable]] = {}
    for message in sorted(messages, key=_age):
        threads.setdefault(message.subject, []).append(message)
    # dict order is that of the first messages' dates
    return tuple([_subject_tree([one.number for one in thread]) for thread in threads.values()])


def _subject_tree(numbers: list[int]) -> ThreadTree:
    if len(numbers) < 3:
        return tuple(numbers)
    return (numbers[0], *[(number,) for number in numbers[1:]])


def _age(message: Threadable) -> tuple[int, int]:
    return message.date, message.number


def by_references(messages: Sequence[Threadable]) -> tuple[ThreadTree, ...]:
    """REFERENCES. `messages` by ascending number."""
    roots = _prune(_link(messages))  # steps 1 to 3
    roots.sort(key=_node_age)  # step 4
    roots = _gather(roots)  # step 5
    _sort(roots)  # step 6
    return _trees(roots)


def _node_age(node: _Node) -> tuple[int, int]:
    return _age(node.first())


# --- step 1


def _link(messages: Sequence[Threadable]) -> list[_Node]:
    """All nodes; each child knows its parent, and the other way round."""
    by_id: dict[str, _Node] = {}
    nodes: list[_Node] = []

    def node_of(id_: str) -> _Node:
        found = by_id.get(id_)
        if found is None:
            found = by_id[id_] = _Node()
            nodes.append(found)
        return found

    for message in messages:
        if message.id is None or ((known := by_id.get(message.id)) is not None and known.message is not None):
            node = _Node(message)  # without an id, or with another message's
            nodes.append(node)
        else:
            node = node_of(message.id)
            node.message = message
        above: _Node | None = None
        for id_ in message.references:
            reference = node_of(id_)
            if above is not None and reference.parent is None and not _is_above(reference, above):
                reference.parent = above
            above = reference
        # The message itself knows best whom it answers; what others' references said of it may have been cut.
        if node.parent is not above:
            node.parent = None
            if above is not None and not _is_above(node, above):
                node.parent = above
    for node in nodes:
        if node.parent is not None:
            node.parent.children.append(node)
    return nodes


def _is_above(node: _Node, other: _Node) -> bool:
    """Whether `other` is `node` or below it, or too deep to tell: then they must not be linked."""
    at: _Node | None = other
    for _ in range(MAX_DEPTH):
        if at is None:
            return False
        if at is node:
            return True
        at = at.parent
    return True


# --- steps 2 and 3


def _bottom_up(roots: Iterable[_Node]) -> list[_Node]:
    """All nodes of these trees, children before their parents."""
    order: list[_Node] = []
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting += node.children
    order.reverse()
    return order


def _prune(nodes: Iterable[_Node]) -> list[_Node]:
    """The roots, without nodes that have no message, but for roots with several children."""
    roots = [node for node in nodes if node.parent is None]
    for node in _bottom_up(roots):
        if not any(child.message is None for child in node.children):
            continue
        kept: list[_Node] = []
        for child in node.children:
            kept += [child] if child.message is not None else child.children
        node.children = kept
        for child in kept:
            child.parent = node
    found: list[_Node] = []
    for root in roots:
        if root.message is not None or len(root.children) > 1:
            found.append(root)
        elif root.children:
            root.children[0].parent = None
            found.append(root.children[0])
    for root in found:  # so that `first` is the earliest of a node without a message
        if root.message is None:
            root.children.sort(key=_node_age)
    return found


# --- step 5


def _gather(roots: list[_Node]) -> list[_Node]:
    """Roots with the same base subject become one thread."""
    table: dict[str, _Node] = {}
    for root in roots:
        first = root.first()
        if not first.subject:
            continue
        held = table.get(first.subject)
        if (
            held is None
            or (held.message is not None and root.message is None)
            or (held.message is not None and root.message is not None and _replies(held) and not _replies(root))
        ):
            table[first.subject] = root
    found: dict[int, _Node] = {id(root): root for root in roots}
    for root in roots:
        subject = root.first().subject
        held = table.get(subject) if subject else None
        if held is None or held is root:
            continue
        del found[id(root)]
        if held.message is None and root.message is None:
            for child in root.children:
                held.adopt(child)
        elif held.message is None or (_replies(root) and not _replies(held)):
            held.adopt(root)
        else:
            both = _Node()
            del found[id(held)]
            both.adopt(held)
            both.adopt(root)
            found[id(both)] = both
            table[subject] = both
    return list(found.values())


def _replies(node: _Node) -> bool:
    return node.message is not None and node.message.response


# --- step 6


def _sort(roots: list[_Node]) -> None:
    for node in _bottom_up(roots):
        node.children.sort(key=_node_age)
    roots.sort(key=_node_age)


# --- output


def _trees(roots: Sequence[_Node]) -> tuple[ThreadTree, ...]:
    built: dict[int, ThreadTree] = {}
    for node in _bottom_up(roots):
        head = () if node.message is None else (node.message.number,)
        below = [built.pop(id(child)) for child in node.children]
        # A lone child goes on in the same list; several are lists of their own (RFC 5256 §4).
        built[id(node)] = (*head, *below[0]) if len(below) == 1 else (*head, *below)
    return tuple([built[id(root)] for root in roots])
