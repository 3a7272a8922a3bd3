"""How a user writes and reads in the webmail (WEBMAIL-105), and the user's templates (WEBMAIL-126): stored in the
account and so the same in all browsers. The account app shows and changes them, the webmail follows.

Sizes and layouts of panes are stored by each browser. A stored value that is no longer valid counts as not set
(`store.mail.settings`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType, structs

from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader
from moxlite.store.forms import Identity, IdentityChange, changed_fields, mark
from moxlite.store.mail.identities import ALL, MAX_SIGNATURE, load_identities, patch_identity
from moxlite.store.mail.labels import MAX_LABELS, Label
from moxlite.store.mail.settings import load_settings, patch_settings
from moxlite.store.people import templates as stored
from moxlite.store.people.templates import Template, TemplateChange
from moxlite.web.calls import call
from moxlite.web.cookies import Caller

if TYPE_CHECKING:
    from moxlite.store.accounts.accounts import Accounts

Signature = Annotated[str, Meta(max_length=MAX_SIGNATURE)]
HeaderName = Annotated[str, Meta(pattern=r"^[!-9;-~]{1,100}$")]  # RFC 5322 §2.2
CommandName = Annotated[str, Meta(pattern=r"^[a-z]{1,20}\.[a-z0-9-]{1,40}$")]
Key = Annotated[str, Meta(pattern=r"^(((alt|[^\s\x00-\x1f\x7f-\x9f]) )?[^\s\x00-\x1f\x7f-\x9f])?$")]
"""One sign, as a keyboard writes it, with or without alt, or two, one after the other ("g i"); "" for no key."""

Mark = Annotated[str, Meta(max_length=100)]

ViewMode = Literal["", "text", "html", "html_ext"]
"""How messages of a sender are shown: as text, as HTML, or as HTML with external content. "": by the general
setting.
"""


class OwnSignature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The signature for one own address."""

    address: Annotated[str, Meta(min_length=1, max_length=1000)]
    text: Signature
    html: Signature = ""


class SavedSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A search that is shown below the mailboxes (WEBMAIL-127)."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    text: Annotated[str, Meta(min_length=1, max_length=1000)]


class Unsubscribed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sender that the user has left (WEBMAIL-136): the id of a list or an address, and the time."""

    sender: Annotated[str, Meta(min_length=1, max_length=1000)]
    at: datetime


class OwnSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings that are the webmail's alone.

    ``compose_format``: how messages begin, plain or with formatting. ``quoting``: whether an answer is above (top) or
    below (bottom) the quoted text; auto: below a quoted selection, else above.
    ``language``: of the pages, "" as the browser prefers (WEBMAIL-143).
    ``show_address_security``: bars below recipients (WEBMAIL-94). ``show_html``: HTML first, if nothing else is stored
    for the sender. ``show_headers``: fields that are shown besides the usual ones. ``mark_seen_ms``: milliseconds until
    a shown message is marked as read, -1 for never. ``after_action``: the message that is shown when the current one
    has left the list. ``open_on_move``: keys that move in the list open messages, also while none is open.
    ``undo_send_seconds``: seconds during which a sent message may be taken back, 0 for none
    (WEBMAIL-123). ``searches`` are saved ones. ``single_keys``: keys without ctrl or alt run commands (WEBMAIL-144).
    ``keymap``: the key of each command that does not have its usual one (WEBMAIL-162); the page ignores commands of
    other versions.
    ``invitation_mails``: invitations, changes and answers of other users of this server also come as mail.
    ``unsubscribed``: what was left, the latest last. ``labels``: keywords with a name or colour; `label_save` and
    `label_remove` change them, `settings_save` does not.
    """

    compose_format: Literal["text", "html"] = "text"
    quoting: Literal["auto", "top", "bottom"] = "auto"
    show_address_security: bool = True
    show_html: bool = True
    no_show_shortcuts: bool = False
    show_headers: Annotated[list[HeaderName], Meta(max_length=50)] = []
    color_scheme: Literal["auto", "light", "dark"] = "auto"
    language: Literal["", "ar", "cs", "de", "en", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "sv", "uk", "zh"] = ""
    density: Literal["comfortable", "compact"] = "comfortable"
    single_keys: bool = True
    keymap: Annotated[dict[CommandName, Key], Meta(max_length=100)] = {}
    undo_send_seconds: Annotated[int, Meta(ge=0, le=60)] = 10
    mark_seen_ms: Annotated[int, Meta(ge=-1, le=600_000)] = 500
    after_action: Literal["next", "previous", "list"] = "next"
    open_on_move: bool = False
    invitation_mails: bool = True
    searches: Annotated[list[SavedSearch], Meta(max_length=50)] = []
    unsubscribed: Annotated[list[Unsubscribed], Meta(max_length=500)] = []
    labels: Annotated[list[Label], Meta(max_length=MAX_LABELS)] = []


class Settings(OwnSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings: the webmail's, and the signatures, which programs share (`store.mail.identities`).

    ``signature`` is below the written text; ``signatures`` are for single own addresses. Their HTML is for messages
    that are written so, "" for the text there, too; it is sanitised when a message is sent.
    """

    signature: Signature = ""
    signature_html: Signature = ""
    signatures: Annotated[list[OwnSignature], Meta(max_length=100)] = []


if TYPE_CHECKING:
    SomeSettings: TypeAlias = msgspec.Struct
else:
    SomeSettings = msgspec.defstruct(
        "SomeSettings",
        [(field.name, field.type | UnsetType, UNSET) for field in structs.fields(Settings)],
        namespace={"__doc__": "The settings that a page changes, without the others."},
        module=__name__,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def shown_settings(r: Reader) -> Settings:
    """All settings, as pages show them."""
    own = {address: one for address, one in load_identities(r).items() if one.text is not None}
    common = own.pop(ALL, Identity())
    return Settings(
        **structs.asdict(load_settings(r, OwnSettings)),
        signature=common.text or "",
        signature_html=common.html or "",
        signatures=[OwnSignature(address, one.text or "", one.html or "") for address, one in own.items()],
    )


def change_settings(tx: AccountTx, change: SomeSettings) -> None:
    """Save the settings that a page names: of the others it may know older values. Labels have calls of their own, and
    stay. Of the signatures only those that differ are saved. Raises BadForm.
    """
    shown, changed = shown_settings(tx), changed_fields(change)
    changed.pop("labels", None)
    before, after = _signatures(shown), _signatures(structs.replace(shown, **changed))
    for address in before.keys() | after.keys():
        if before.get(address) != after.get(address):
            text, html = after.get(address, (None, None))
            patch_identity(tx, address, IdentityChange(text=text, html=html))
    patch_settings(tx, {name: value for name, value in changed.items() if name in OwnSettings.__struct_fields__})


def _signatures(settings: Settings) -> dict[str, tuple[str, str]]:
    own = {one.address: (one.text, one.html) for one in settings.signatures}
    return {ALL: (settings.signature, settings.signature_html), **own}


class ShownTemplate(Template, frozen=True):
    """A template on a page. ``mark`` tells changes by others."""

    mark: str


class TemplateCalls:
    """Calls about templates."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    @call()
    async def templates(self, caller: Caller) -> list[ShownTemplate]:
        """All templates by name."""
        async with self._accounts.use(caller.require().account) as account:
            found = await account.read(stored.templates, op="templates")
        return [ShownTemplate(**structs.asdict(template), mark=mark(template)) for template in found]

    @call(once=True)
    async def template_save(self, caller: Caller, template: TemplateChange, mark: Mark = "") -> int:
        """Add a template, or change the given fields of the one with its id; returns the id.

        A conflict if another one has its name, or if it doesn't have the ``mark`` that it was shown with, "" for any.
        The same template again is that one: a call whose answer was lost may be repeated.
        """
        async with self._accounts.use(caller.require().account) as account:
            return await account.write(lambda tx: stored.patch_template(tx, template, mark))

    @call(once=True)
    async def template_remove(self, caller: Caller, template_id: stored.TemplateID, mark: Mark = "") -> None:
        """Remove a template with the ``mark`` that it was shown with, "" for any. A conflict if it has another one."""
        async with self._accounts.use(caller.require().account) as account:
            await account.write(lambda tx: stored.remove_template(tx, template_id, mark))
