"""A script made ready to run: each command becomes a function of the state, once for all messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from moxlite.proto.address import AddressError
from moxlite.proto.sieve import commands as c
from moxlite.proto.sieve.errors import RunError
from moxlite.proto.sieve.evaluation import Evaluate, build_test
from moxlite.proto.sieve.limits import MAX_INCLUDES, MAX_REDIRECTS, MAX_VALUE, weight
from moxlite.proto.sieve.message import Message
from moxlite.proto.sieve.outcome import (
    AnswerAction,
    DiscardAction,
    FileAction,
    KeepAction,
    Outcome,
    RedirectAction,
    RejectAction,
)
from moxlite.proto.sieve.script import Script, includes
from moxlite.proto.sieve.state import Frame, State, World
from moxlite.proto.sieve.strings import flags_of
from moxlite.proto.sieve.validation import is_mailbox_name, outgoing_address

_Execute: TypeAlias = Callable[[State], None]


class _Stop(Exception):  # the end of the run, no error
    """RFC 5228 §3.3."""


class _Return(Exception):  # the end of an included script, no error
    """RFC 6609 §3.3."""


class Program:
    """A script ready to run, for any number of messages, also in several threads.

    Attributes:
      extensions: in use; they tell what must be known before a run.
      includes: names of scripts that it may include.
    """

    def __init__(self, script: Script) -> None:
        self.extensions = script.extensions
        self.includes = frozenset(includes(script))
        self._commands = _build_block(script.commands, variables="variables" in script.extensions)

    def execute(self, state: State) -> None:
        """Run the commands up to ``return``, in the frame of `state`."""
        try:
            for command in self._commands:
                command(state)
        except _Return:
            pass


def run(program: Program, message: Message, world: World) -> Outcome:
    """Decide about a message. Never raises: after an error the message is kept, and nothing else is done."""
    state = State(message, world)
    try:
        program.execute(state)
    except _Stop:
        pass
    except RunError as error:
        return Outcome(
            actions=(KeepAction(implicit=True),), error=str(error), script=state.frame.script, line=state.line
        )
    actions = tuple(state.actions)
    if state.keeps:
        actions = (*actions, KeepAction(flags=state.flags, implicit=True))
    return Outcome(actions=actions, tracked=state.remembered())


def _build_block(commands: tuple[c.AnyCommand, ...], *, variables: bool) -> tuple[_Execute, ...]:
    built: list[_Execute] = []
    for command in commands:
        match command:
            case c.If():
                built.append(_build_if(command, variables=variables))
            case c.Unavailable():
                built.append(_fail(command.text, command.line))
            case c.Require():
                pass
            case _:
                built.append(_counted(_BUILDERS[type(command)](command, variables), command.line))
    return tuple(built)


def _counted(execute: _Execute, line: int) -> _Execute:
    def command(state: State) -> None:
        state.line = line
        state.step()
        execute(state)

    return command


def _build_if(command: c.If, *, variables: bool) -> _Execute:
    branches: list[tuple[Evaluate | None, tuple[_Execute, ...]]] = [
        (
            None if branch.test is None else build_test(branch.test, variables=variables),
            _build_block(branch.block, variables=variables),
        )
        for branch in command.branches
    ]
    line = command.line

    def choose(state: State) -> None:
        state.line = line
        for test, block in branches:
            if test is None or test(state):
                for execute in block:
                    execute(state)
                return

    return choose


def _fail(text: str, line: int) -> _Execute:
    def execute(state: State) -> None:
        state.line = line
        raise RunError(text)

    return execute


def _text(state: State, text: str, variables: bool) -> str:
    return state.text(text) if variables else text


# RFC 5228 §3, §4


def _stop(_: c.Stop, _variables: bool) -> _Execute:
    def execute(_state: State) -> None:
        raise _Stop

    return execute


def _flags(state: State, flags: tuple[str, ...] | None, variables: bool) -> tuple[str, ...]:
    """The flags of an action: its own, else the flags of the message so far (RFC 5232 §5)."""
    if flags is None:
        return state.flags
    return flags_of(state.texts(flags) if variables else flags, state)


def _keep(command: c.Keep, variables: bool) -> _Execute:
    def execute(state: State) -> None:
        action = KeepAction(flags=_flags(state, command.flags, variables))
        _once(state, action, lambda other: isinstance(other, KeepAction))

    return execute


def _once(state: State, action: KeepAction | FileAction | RedirectAction, is_same: Callable[[Any], bool]) -> None:
    """Add an action, in place of one with the same target (RFC 5228 §2.10.3): the last flags count, and a mailbox that
    one of them is to make is made.
    """
    cancels = isinstance(action, KeepAction) or not action.copy
    for at, other in enumerate(state.actions):
        if is_same(other):
            if isinstance(action, FileAction) and isinstance(other, FileAction):
                action = msgspec.structs.replace(action, create=action.create or other.create)
            state.actions[at] = action
            state.keeps = state.keeps and not cancels
            return
    state.act(action, cancels=cancels)


def _file_into(command: c.FileInto, variables: bool) -> _Execute:
    def execute(state: State) -> None:
        name = _target(state, command, variables)
        action = FileAction(
            mailbox=name,
            flags=_flags(state, command.flags, variables),
            copy=command.copy,
            create=command.create,
        )
        _once(state, action, lambda other: isinstance(other, FileAction) and other.mailbox == name)

    return execute


def _target(state: State, command: c.FileInto, variables: bool) -> str:
    """The mailbox with the id or use, if there is one, else that of the name."""
    boxes = state.world.mailboxes
    found: str | None = None
    if command.mailbox_id:  # RFC 9042 §3
        found = boxes.ids.get(_text(state, command.mailbox_id, variables))
    elif command.special_use:  # RFC 8579 §4.2
        found = boxes.with_use(_text(state, command.special_use, variables))
    name = found or boxes.canonical(_text(state, command.mailbox, variables))
    if not is_mailbox_name(name):
        raise RunError(f"{name[:40]!r} isn't a valid mailbox name")
    return name


def _redirect(command: c.Redirect, variables: bool) -> _Execute:
    def execute(state: State) -> None:
        address = _text(state, command.address, variables)
        try:
            address = str(outgoing_address(address))
        except AddressError:
            raise RunError(f"{address[:80]!r} isn't a valid address") from None
        _once(
            state,
            RedirectAction(address=address, copy=command.copy),
            lambda other: isinstance(other, RedirectAction) and other.address == address,
        )
        if sum(isinstance(action, RedirectAction) for action in state.actions) > MAX_REDIRECTS:
            raise RunError(f"too many redirects in script (limit {MAX_REDIRECTS})")

    return execute


def _discard(_: c.Discard, _variables: bool) -> _Execute:
    def execute(state: State) -> None:
        state.keeps = False
        if not any(isinstance(action, DiscardAction | RejectAction) for action in state.actions):
            state.act(DiscardAction())

    return execute


# RFC 5429, RFC 5230


def _reject(command: c.Reject, variables: bool) -> _Execute:
    return lambda state: _refuse(state, _text(state, command.reason, variables), early=False)


def _ereject(command: c.EReject, variables: bool) -> _Execute:
    return lambda state: _refuse(state, _text(state, command.reason, variables), early=True)


def _refuse(state: State, text: str, *, early: bool) -> None:
    state.actions = [action for action in state.actions if not isinstance(action, DiscardAction)]
    state.act(RejectAction(text=text, early=early))


def _vacation(command: c.Vacation, variables: bool) -> _Execute:
    seconds = command.seconds if command.days is None else command.days * 86400

    def execute(state: State) -> None:
        if any(isinstance(action, AnswerAction) for action in state.actions):  # RFC 5230 §4.7
            raise RunError("vacation can only be used once per message")
        sender = _text(state, command.sender, variables)[:MAX_VALUE]
        state.act(
            AnswerAction(
                text=_text(state, command.reason, variables),
                subject=" ".join(_text(state, command.subject, variables)[:MAX_VALUE].split()),
                sender=" ".join(sender.split()),
                addresses=state.texts(command.addresses) if variables else command.addresses,
                mime=command.mime,
                handle=_text(state, command.handle, variables),
                seconds=seconds,
            ),
            cancels=False,
        )

    return execute


# RFC 5232


def _set_flag(command: c.SetFlag, variables: bool) -> _Execute:
    return lambda state: _store(state, command.variable, flags_of(_words(state, command.flags, variables), state))


def _add_flag(command: c.AddFlag, variables: bool) -> _Execute:
    def execute(state: State) -> None:
        _store(
            state,
            command.variable,
            flags_of((*_stored(state, command.variable), *_words(state, command.flags, variables)), state),
        )

    return execute


def _remove_flag(command: c.RemoveFlag, variables: bool) -> _Execute:
    def execute(state: State) -> None:
        gone = {flag.lower() for flag in flags_of(_words(state, command.flags, variables), state)}
        left = tuple(flag for flag in _stored(state, command.variable) if flag.lower() not in gone)
        _store(state, command.variable, left)

    return execute


def _words(state: State, flags: tuple[str, ...], variables: bool) -> tuple[str, ...]:
    return state.texts(flags) if variables else flags


def _stored(state: State, variable: str) -> tuple[str, ...]:
    return flags_of((state.variable(variable),), state) if variable else state.flags


def _store(state: State, variable: str, flags: tuple[str, ...]) -> None:
    if variable:
        state.assign(variable, " ".join(flags))
    else:
        state.flags = flags


# RFC 5229, RFC 5463


def _set(command: c.Set, _variables: bool) -> _Execute:
    modifiers = sum(map(bool, (command.case, command.first, command.quote)))

    def execute(state: State) -> None:
        value = state.text(command.value)
        state.make(3 * weight(value) * modifiers)  # a letter may have three capitals
        if command.case:  # RFC 5229 §4.1: by precedence
            value = value.lower() if command.case == "lower" else value.upper()
        if command.first:
            first = value[:1].lower() if command.first == "lower" else value[:1].upper()
            value = first + value[1:]
        if command.quote:
            value = value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")
        if command.length:
            value = str(len(value))
        state.assign(command.name, value)

    return execute


def _error(command: c.Error, variables: bool) -> _Execute:
    def execute(state: State) -> None:
        raise RunError(f"the script stopped with an error: {_text(state, command.text, variables)[:200]}")

    return execute


# RFC 6609


def _include(command: c.Include, _variables: bool) -> _Execute:
    def execute(state: State) -> None:
        if command.once and command.script in state.included:
            return
        script = state.world.scripts.get(command.script)
        if script is None:
            if command.optional:
                return
            raise RunError(f"couldn't include script {command.script!r}: not found or invalid")
        if state.depth >= MAX_INCLUDES:
            raise RunError(f"included scripts can be nested up to {MAX_INCLUDES} levels deep")
        # A frame of its own: an included script neither sees nor sets the caller's variables, but for global ones (RFC
        # 6609 §3.4). It is left without `finally`, so that after an error the frame names the script in which it
        # happened.
        outer, line = state.frame, state.line
        state.included.add(command.script)
        state.depth += 1
        state.frame = Frame(command.script)
        script.execute(state)
        state.depth -= 1
        state.frame, state.line = outer, line

    return execute


def _return(_: c.Return, _variables: bool) -> _Execute:
    def execute(_state: State) -> None:
        raise _Return

    return execute


def _global(command: c.Global, _variables: bool) -> _Execute:
    names = tuple(name.lower() for name in command.names)
    return lambda state: state.frame.shared.update(names)


_BUILDERS: Final[Mapping[type, Callable[[Any, bool], _Execute]]] = {
    c.Stop: _stop,
    c.Keep: _keep,
    c.FileInto: _file_into,
    c.Redirect: _redirect,
    c.Discard: _discard,
    c.Reject: _reject,
    c.EReject: _ereject,
    c.Vacation: _vacation,
    c.SetFlag: _set_flag,
    c.AddFlag: _add_flag,
    c.RemoveFlag: _remove_flag,
    c.Set: _set,
    c.Include: _include,
    c.Return: _return,
    c.Global: _global,
    c.Error: _error,
}
