"""THREAD=REFERENCES by nodes with parents and children, step by step as in RFC 5256 §3: what the fast algorithm is
compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from moxlite.proto.imap.threading import MAX_DEPTH

__all__ = ["Numbered", "by_references"]


class Numbered(NamedTuple):
    """A message, see `Threadable`."""

    number: int
    id: str | None
    references: Sequence[str]
    subject: str
    response: bool
    date: int


def _age(message: Numbered) -> tuple[int, int]:
    return message.date, message.number


class _Node:
    __slots__ = ("children", "message", "parent")

    def __init__(self, message: Numbered | None = None) -> None:
        self.message = message
        self.parent: _Node | None = None
        self.children: list[_Node] = []

    def first(self) -> Numbered:
        """The message, or that of the first child: nodes without one always have children when this is called."""
        node = self
        while node.message is None:
            node = node.children[0]
        return node.message

    def adopt(self, child: _Node) -> None:
        child.parent = self
        self.children.append(child)


def by_references(messages: Sequence[Numbered]) -> str:
    """REFERENCES, as the RFC tells it. `messages` with their numbers, ascending."""
    roots = _prune(_link(messages))  # steps 1 to 3
    roots.sort(key=_node_age)  # step 4
    roots = _gather(roots)  # step 5
    _sort(roots)  # step 6
    return "".join([_written(root) for root in roots])


def _node_age(node: _Node) -> tuple[int, int]:
    return _age(node.first())


def _link(messages: Sequence[Numbered]) -> list[_Node]:
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


def _sort(roots: list[_Node]) -> None:
    for node in _bottom_up(roots):
        node.children.sort(key=_node_age)
    roots.sort(key=_node_age)


def _written(node: _Node) -> str:
    head = "" if node.message is None else str(node.message.number)
    below = [_written(child) for child in node.children]
    if len(below) == 1 and head:
        return f"({head} {below[0][1:]}"
    return f"({head}{' ' if head and below else ''}{''.join(below)})"
