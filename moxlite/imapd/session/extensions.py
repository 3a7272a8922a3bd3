"""Extensions that a client has switched on, by ENABLE or by their use (RFC 9051 §6.3.1, IMAP-39)."""

import enum

from moxlite.proto.imap.reading.parsing import Modes


class Enabled(enum.IntFlag):
    """Extensions that the client has enabled (RFC 9051 §6.3.1, IMAP-39)."""

    IMAP4REV2 = 1
    UTF8 = 2
    CONDSTORE = 4
    QRESYNC = 8
    UIDONLY = 16
    METADATA = 32
    METADATA_SERVER = 64


class Extensions:
    """The extensions of one session, in parts, since each answer needs them.

    Attributes:
      enabled: all of them.
      utf8: names and strings are UTF-8 (IMAP-32).
      rev2: the client speaks IMAP4rev2 (IMAP-40).
      condstore: MODSEQ is sent with flags (IMAP-76).
      qresync: VANISHED replaces EXPUNGE (RFC 7162 §3.2.10).
      uidonly: there are no message numbers (RFC 9586).
    """

    __slots__ = ("_modes", "condstore", "enabled", "qresync", "rev2", "uidonly", "utf8")

    def __init__(self, modes: Modes) -> None:
        self._modes = modes
        self.enabled = Enabled(0)
        self.utf8 = self.rev2 = self.condstore = self.qresync = self.uidonly = False

    def enable(self, what: Enabled) -> None:
        """Enable an extension, for the codec too (IMAP-5)."""
        if what & Enabled.QRESYNC:
            what |= Enabled.CONDSTORE
        self.enabled |= what
        self.utf8 = bool(self.enabled & (Enabled.IMAP4REV2 | Enabled.UTF8))
        self.rev2 = Enabled.IMAP4REV2 in self.enabled
        self.condstore = Enabled.CONDSTORE in self.enabled
        self.qresync = Enabled.QRESYNC in self.enabled
        self.uidonly = Enabled.UIDONLY in self.enabled
        modes = self._modes
        modes.utf8, modes.qresync, modes.uidonly = self.utf8, self.qresync, self.uidonly
        modes.utf8_accept = Enabled.UTF8 in self.enabled

    def wants_metadata(self, *, server: bool) -> bool:
        """Whether changed entries are sent: of mailboxes, or of the server (RFC 5464 §4.1)."""
        wanted = Enabled.METADATA | Enabled.METADATA_SERVER if server else Enabled.METADATA
        return bool(self.enabled & wanted)
