"""Google's labels (``X-Gmail-Labels`` of Takeout) to a mailbox, flags and keywords (STORE-194).

Google stores a message once, with any number of labels; here it is in one mailbox. The first system label in the order
of `PLACES` names it, else the first of the user's own labels that can. Further own labels become labels here. Takeout
writes the names of system labels in the language of the user's Google account. Where that language is not known, a
trial of the import counts the labels and proposes meanings, and the user's answer goes with the import.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from moxlite.proto.address import one_spelling
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.wire import read_addresses
from moxlite.proto.mime.words import decode_words
from moxlite.store.errors import BadMailboxName
from moxlite.store.imports.items import LabelUse
from moxlite.store.names import INBOX, check_name
from moxlite.store.types import Meaning, SpecialUse

PLACES: Final[Mapping[Meaning, SpecialUse | None]] = {
    "junk": SpecialUse.JUNK,
    "trash": SpecialUse.TRASH,
    "drafts": SpecialUse.DRAFTS,
    "sent": SpecialUse.SENT,
    "inbox": None,
}
"""Meanings of labels that name a mailbox, in order of precedence; None is Inbox."""

LANGUAGES: Final[tuple[Mapping[Meaning, str], ...]] = (
    {  # English
        "inbox": "inbox",
        "sent": "sent, sent mail",
        "drafts": "draft, drafts",
        "trash": "trash, bin",
        "junk": "spam",
        "starred": "starred",
        "unread": "unread",
        "ignored": "archived, important, chat, muted, opened",
    },
    {  # German
        "inbox": "posteingang",
        "sent": "gesendet, gesendete nachrichten",
        "drafts": "entwurf, entwürfe",
        "trash": "papierkorb",
        "starred": "markiert",
        "unread": "ungelesen",
        "ignored": "archiviert, wichtig, geöffnet, ignoriert, stummgeschaltet, zurückgestellt, geplant, "
        "alle nachrichten",
    },
    {  # French
        "inbox": "boîte de réception",
        "sent": "envoyé, envoyés, messages envoyés, mails envoyés",
        "drafts": "brouillon, brouillons",
        "trash": "corbeille",
        "starred": "suivi, suivis, favoris, messages suivis",
        "unread": "non lu, non lus",
        "ignored": "archivé, archivés, messages archivés, important, importants, ouvert, ignoré, "
        "en attente, tous les messages",
    },
    {  # Spanish
        "inbox": "recibidos, bandeja de entrada",
        "sent": "enviado, enviados, correo enviado",
        "drafts": "borrador, borradores",
        "trash": "papelera",
        "starred": "destacado, destacados",
        "unread": "no leído, no leídos, sin leer",
        "ignored": "archivado, archivados, importante, importantes, abierto, abiertos, leído, leídos, silenciado, "
        "silenciados, pospuestos, todo el correo, todos",
    },
    {  # Dutch
        "inbox": "inbox, postvak in",
        "sent": "verzonden, verzonden berichten",
        "drafts": "concept, concepten",
        "trash": "prullenbak",
        "starred": "met ster, met een ster",
        "unread": "ongelezen",
        "ignored": "gearchiveerd, belangrijk, geopend, genegeerd, gesnoozed, gepland, alle berichten, alle e-mail",
    },
    {  # Italian
        "inbox": "posta in arrivo",
        "sent": "inviati, inviata, posta inviata",
        "drafts": "bozza, bozze",
        "trash": "cestino",
        "starred": "speciali, speciale",
        "unread": "non letti, non letto, da leggere",
        "ignored": "archiviati, archiviato, importante, importanti, aperti, aperto, ignorati, posticipati, "
        "tutti i messaggi",
    },
    {  # Portuguese
        "inbox": "caixa de entrada, recebidos",
        "sent": "enviado, enviados, e-mails enviados, correio enviado",
        "drafts": "rascunho, rascunhos",
        "trash": "lixeira, lixo",
        "starred": "com estrela",
        "unread": "não lidas, não lidos, não lida, não lido",
        "ignored": "arquivado, arquivados, arquivada, arquivadas, importante, importantes, aberto, abertos, aberta, "
        "abertas, ignorados, adiados, todos os e-mails, todo o correio",
    },
    {  # Catalan
        "inbox": "safata d'entrada, rebuts",
        "sent": "enviats, correu enviat",
        "drafts": "esborranys, esborrany",
        "trash": "paperera",
        "starred": "destacats",
        "unread": "no llegits",
        "ignored": "arxivats, arxivat, important, importants, oberts, obert, tot el correu",
    },
    {  # Czech
        "inbox": "doručená pošta, doručené",
        "sent": "odesláno, odeslané, odeslaná pošta",
        "drafts": "koncept, koncepty",
        "trash": "koš",
        "starred": "s hvězdičkou",
        "unread": "nepřečtené, nepřečteno",
        "ignored": "archivováno, důležité, otevřeno, otevřené, ignorované, odložené, všechny zprávy",
    },
    {  # Slovak
        "inbox": "doručená pošta, doručené",
        "sent": "odoslané, odoslaná pošta",
        "drafts": "koncepty",
        "trash": "kôš",
        "starred": "s hviezdičkou",
        "unread": "neprečítané",
        "ignored": "archivované, dôležité, otvorené, odložené, všetky správy",
    },
    {  # Polish
        "inbox": "odebrane, skrzynka odbiorcza",
        "sent": "wysłane",
        "drafts": "wersje robocze, wersja robocza",
        "trash": "kosz",
        "starred": "oznaczone gwiazdką",
        "unread": "nieprzeczytane",
        "ignored": "zarchiwizowane, ważne, otwarte, otworzone, wyciszone, odłożone, wszystkie",
    },
    {  # Swedish
        "inbox": "inkorg, inkorgen",
        "sent": "skickat, skickade",
        "drafts": "utkast",
        "trash": "papperskorg, papperskorgen",
        "junk": "skräppost",
        "starred": "stjärnmärkt, stjärnmärkta",
        "unread": "oläst, olästa",
        "ignored": "arkiverat, arkiverade, viktigt, viktiga, öppnat, öppnade, ignorerade, alla mejl",
    },
    {  # Danish
        "inbox": "indbakke",
        "sent": "sendt, sendte, sendte mails",
        "drafts": "kladde, kladder",
        "trash": "papirkurv",
        "starred": "stjernemarkeret, stjernemarkerede",
        "unread": "ulæst, ulæste",
        "ignored": "arkiveret, arkiverede, vigtig, vigtigt, vigtige, åbnet, åbnede, ignoreret, alle mails",
    },
    {  # Norwegian
        "inbox": "innboks",
        "sent": "sendt, sendte, sendt e-post",
        "drafts": "utkast",
        "trash": "papirkurv",
        "junk": "søppelpost",
        "starred": "stjernemerket, stjernemerkede",
        "unread": "ulest, uleste",
        "ignored": "arkivert, viktig, viktige, åpnet, ignorert, all e-post",
    },
    {  # Finnish
        "inbox": "saapuneet, postilaatikko",
        "sent": "lähetetyt, lähetetty",
        "drafts": "luonnokset, luonnos",
        "trash": "roskakori",
        "junk": "roskaposti",
        "starred": "tähdellä merkityt, tähdellä merkitty",
        "unread": "lukematon, lukemattomat",
        "ignored": "arkistoitu, arkistoidut, tärkeä, tärkeät, avattu, avatut, torkutetut, kaikki viestit",
    },
    {  # Hungarian
        "inbox": "beérkező levelek, beérkezett üzenetek",
        "sent": "elküldött, elküldött levelek",
        "drafts": "piszkozat, piszkozatok",
        "trash": "kuka",
        "starred": "csillagozott",
        "unread": "olvasatlan",
        "ignored": "archivált, fontos, megnyitott, megnyitva, figyelmen kívül hagyott, összes levél",
    },
    {  # Turkish
        "inbox": "gelen kutusu",
        "sent": "gönderilmiş postalar, gönderilen postalar, gönderilenler, gönderildi",
        "drafts": "taslak, taslaklar",
        "trash": "çöp kutusu, çöp",
        "starred": "yıldızlı",
        "unread": "okunmamış, okunmayan",
        "ignored": "arşivlendi, arşivlenmiş, önemli, açıldı, açılmış, yok sayıldı, tüm postalar",
    },
    {  # Russian
        "inbox": "входящие",
        "sent": "отправленные",
        "drafts": "черновик, черновики",
        "trash": "корзина",
        "junk": "спам",
        "starred": "помеченные",
        "unread": "непрочитанные, непрочитано",
        "ignored": "архив, архивировано, важное, важные, открытые, открыто, прочитанные, игнорируемые, отложенные, "
        "вся почта",
    },
    {  # Ukrainian
        "inbox": "вхідні",
        "sent": "надіслані, надіслано",
        "drafts": "чернетка, чернетки",
        "trash": "кошик",
        "junk": "спам",
        "starred": "із зірочкою",
        "unread": "непрочитані, непрочитано",
        "ignored": "заархівовані, архівовано, важливі, важливо, відкрито, відкриті, відкладені, вся пошта",
    },
    {  # Greek
        "inbox": "εισερχόμενα",
        "sent": "απεσταλμένα",
        "drafts": "πρόχειρα, πρόχειρο",
        "trash": "κάδος απορριμμάτων, κάδος",
        "junk": "ανεπιθύμητα, ανεπιθύμητη αλληλογραφία",
        "starred": "με αστέρι",
        "unread": "μη αναγνωσμένα, μη αναγνωσμένο",
        "ignored": "αρχειοθετημένα, σημαντικά, ανοιγμένα, όλα τα μηνύματα",
    },
    {  # Romanian
        "inbox": "mesaje primite, primite",
        "sent": "mesaje trimise, trimise",
        "drafts": "mesaje nefinalizate, schițe",
        "trash": "coș de gunoi",
        "starred": "cu stea",
        "unread": "necitite, necitit",
        "ignored": "arhivate, arhivat, importante, important, deschise, deschis, toate mesajele",
    },
    {  # Japanese
        "inbox": "受信トレイ",
        "sent": "送信済み, 送信済みメール",
        "drafts": "下書き",
        "trash": "ゴミ箱",
        "junk": "迷惑メール",
        "starred": "スター付き",
        "unread": "未読",
        "ignored": "アーカイブ済み, アーカイブ, 重要, 開封済み, 既読, ミュート, すべてのメール",
    },
    {  # Chinese, simplified and traditional
        "inbox": "收件箱, 收件匣",
        "sent": "已发送, 已发邮件, 寄件備份, 已傳送郵件",
        "drafts": "草稿",
        "trash": "垃圾箱, 已删除邮件, 垃圾桶",
        "junk": "垃圾邮件, 垃圾郵件",
        "starred": "已加星标, 已加星號",
        "unread": "未读, 未讀, 未读邮件, 未讀取",
        "ignored": "已归档, 已封存, 重要, 重要邮件, 重要郵件, 已打开, 已開啟, 已读, 已讀, 所有邮件, 所有郵件",
    },
    {  # Korean
        "inbox": "받은편지함",
        "sent": "보낸편지함",
        "drafts": "임시보관함",
        "trash": "휴지통",
        "junk": "스팸함, 스팸",
        "starred": "별표편지함, 별표",
        "unread": "읽지 않음, 안읽은 메일",
        "ignored": "보관됨, 보관처리됨, 중요편지함, 중요, 열림, 전체보관함",
    },
)
"""Names of Google's own labels by meaning, in lower case, separated by commas: those that Takeout writes (English,
German, French, Spanish, Catalan, Czech: seen in exports), and the ones of Gmail's pages and IMAP folders.
"""

SPAM: Final[Mapping[Meaning, str]] = {"junk": "spam"}
"""The name in the languages above that have none of their own for it."""

KNOWN: Final[tuple[Mapping[str, Meaning], ...]] = tuple(
    {name: meaning for meaning, words in {**SPAM, **names}.items() for name in words.split(", ")} for names in LANGUAGES
)
"""By language: the meaning of each name."""

CATEGORIES: Final = (
    "category ",
    "kategorie",
    "catégorie",
    "categoría",
    "categorie",
    "categoria",
    "kategória",
    "kategoria",
    "kategori",
    "luokka",
    "kategorija",
    "категория",
    "категорія",
    "κατηγορία",
    "カテゴリ",
    "类别",
    "類別",
    "카테고리",
)
"""How names of Google's categories begin: with a colon behind it in other languages than English."""

UNKNOWN: Final = (
    "couldn't recognize the language of Google's labels. Inbox, Sent, and Trash go to mailboxes with those"
    " names, and all mail will be read. To change this, start with a dry run and specify the meanings, or"
    " export in English: https://takeout.google.com/?hl=en"
)
"""The problem of an import in which Google's labels were not found, and not explained by the user."""

TELLING: Final = 10
"""Messages with labels before that is a problem: Takeout gives each at least one of Google's own."""

MAX_LABEL: Final = 225
"""Characters of a label that is asked for: Gmail's labels have no more."""

MAX_COUNTED: Final = 1_000
"""Labels that a trial counts: 3 MB. Each message has a label of Google's, so these labels are found early."""

MAX_ASKED: Final = 200
"""Labels that the user is asked for, the most frequent ones; others become mailboxes."""

MAX_AUTHORS: Final = 8
"""Addresses in From that are counted for a label: mail that the user sent has few."""

MAX_OWNERS: Final = 100
"""Addresses in Delivered-To that are the owner's."""

MAX_ADDRESS: Final = 254
"""Octets of an address (RFC 5321 §4.5.3.1.3, without the angle brackets); longer ones are cut."""


class LabeledMailbox(msgspec.Struct, frozen=True):
    """A message's mailbox: the one with the special use `use`, else the name `mailbox`; `words`: flags and keywords;
    `labels`: names of further labels.
    """

    use: SpecialUse | None
    mailbox: str
    words: tuple[str, ...]
    labels: tuple[str, ...] = ()


class Labels:
    """The labels of one import. All are of one account, so of one language: that which most of them had so far. A label
    of the user's own may well be a word of Google's in another language.
    """

    def __init__(self, answers: Mapping[str, Meaning] | None = None, *, trial: bool = False) -> None:
        """`answers`: meanings by label, which go before those that are known. `trial`: count labels for `asked`."""
        self._answers = {fold(label): meaning for label, meaning in (answers or {}).items()}
        given = set(self._answers.values())
        self._unopened = "opened" in given and "unread" not in given
        self._survey = Survey() if trial else None
        self._messages = 0
        self._found = [0] * len(KNOWN)

    @property
    def problem(self) -> str:
        """Problem to report at the end of an import that asks no questions, or ""."""
        return UNKNOWN if self._unknown and not self._answers and not self.asked else ""

    @property
    def asked(self) -> tuple[LabelUse, ...]:
        """Labels to ask the user about in a dry run, because few or none are known; most frequent ones first."""
        return self._survey.uses(self._answers) if self._survey is not None and self._unknown else ()

    @property
    def _unknown(self) -> bool:
        """Whether the labels are in no known language: "Spam" alone is a word of many."""
        return self._messages >= TELLING and max(self._found) * 2 < self._messages

    def read(self, value: bytes, header: HeaderSection | None = None) -> LabeledMailbox:
        """Parse the field: labels separated by commas, quoted if they have a comma; encoded words are decoded. A trial
        takes evidence of what they mean from the message's `header`.
        """
        text = " ".join(decode_words(value).split())  # French has no-break spaces before colons
        labels = [label.strip() for row in csv.reader([text], skipinitialspace=True) for label in row if label.strip()]
        if self._survey is not None and header is not None:
            self._survey.count(labels, header)
        meanings = self._meanings(labels)
        own = [label for label, meaning in zip(labels, meanings, strict=True) if meaning == "mailbox"]
        words = tuple(self._words(meanings))
        for meaning, use in PLACES.items():
            if meaning in meanings:
                return LabeledMailbox(use, INBOX, words, tuple(own))
        for number, label in enumerate(own):
            if _names_mailbox(label):
                return LabeledMailbox(None, label, words, (*own[:number], *own[number + 1 :]))
        return LabeledMailbox(SpecialUse.ARCHIVE, "", words, tuple(own))

    def _words(self, meanings: Sequence[Meaning]) -> list[str]:
        words = []
        unopened = self._unopened and not {"opened", "sent", "drafts"} & {*meanings}
        if "unread" not in meanings and not unopened:
            words.append(r"\Seen")
        if "starred" in meanings:
            words.append(r"\Flagged")
        if "drafts" in meanings:
            words.append(r"\Draft")
        if "important" in meanings:
            words.append("$Important")  # RFC 8457
        return words

    def _meanings(self, labels: Sequence[str]) -> list[Meaning]:
        """The meaning of each label."""
        self._messages += 1
        lower = [label.lower() for label in labels]
        here = [sum(label in known for label in lower) for known in KNOWN]
        self._found = [before + now for before, now in zip(self._found, here, strict=True)]
        language = self._found.index(max(self._found))
        if not here[language] and max(here) > 1:  # an archive with exports of several accounts
            language = here.index(max(here))
        return [self._answers.get(label) or _meaning(label, KNOWN[language]) for label in lower]


def fold(label: str) -> str:
    """A label as it is compared: white space as single blanks, lower case."""
    return " ".join(label.split()).lower()


def _meaning(label: str, known: Mapping[str, Meaning]) -> Meaning:
    return known.get(label, "ignored" if _is_category(label) else "mailbox")


def _is_category(label: str) -> bool:
    return label.startswith("category ") or (":" in label and label.startswith(CATEGORIES))


def _names_mailbox(label: str) -> bool:
    try:
        check_name(label)
    except BadMailboxName:
        return False
    return True


# What labels in an unknown language may mean, by the messages that have them.
#
# The owner of an archive is known by the first Delivered-To, which Gmail writes: the account of the import has other
# addresses. Mail from the owner is in Sent, which so is the first label found. "Opened" is on sent mail, too; Inbox is
# not. Nothing tells Trash, Junk, stars, and drafts apart from labels of the user's own: these are left to the user.

OWN: Final = 0.9
"""Share of Sent's messages that are from the owner: some are from addresses without mail of their own."""


class _LabelCounts(msgspec.Struct):
    """A label and its numbers of messages.

    Attributes:
      own: messages from addresses that were known as the owner's when they were counted.
      authors: messages by the address in From, of the first `MAX_AUTHORS` addresses.
    """

    name: str
    messages: int = 0
    delivered: int = 0
    own: int = 0
    authors: dict[str, int] = msgspec.field(default_factory=dict)

    def sent_by(self, owners: Iterable[str]) -> int:
        """The messages from the owner; of a label with many authors, without those before the first delivered one."""
        return max(self.own, sum(self.authors.get(owner, 0) for owner in owners))


class Survey:
    """Counts of an archive's labels, bounded whatever it has."""

    def __init__(self) -> None:
        self._labels: dict[str, _LabelCounts] = {}
        self._owners: set[str] = set()

    def count(self, labels: Sequence[str], header: HeaderSection) -> None:
        """Count a message."""
        owner = one_spelling(
            (header.text(b"delivered-to") or b"")[:MAX_ADDRESS].decode("utf-8", "replace").strip(" <>")
        )
        if owner and len(self._owners) < MAX_OWNERS:
            self._owners.add(owner)
        author = _author(header)
        for folded, label in {fold(label): label for label in labels if len(label) <= MAX_LABEL}.items():
            counted = self._labels.get(folded)
            if counted is None:
                if len(self._labels) >= MAX_COUNTED:
                    continue
                counted = self._labels[folded] = _LabelCounts(label)
            counted.messages += 1
            counted.delivered += bool(owner)
            counted.own += author in self._owners
            if author in counted.authors or len(counted.authors) < MAX_AUTHORS:
                counted.authors[author] = counted.authors.get(author, 0) + 1

    def uses(self, answers: Mapping[str, Meaning]) -> tuple[LabelUse, ...]:
        """The labels of most messages, at most `MAX_ASKED`. `answers` by folded label go before proposals."""
        counted = sorted(self._labels.items(), key=lambda item: -item[1].messages)[:MAX_ASKED]
        uses = [
            LabelUse(
                one.name,
                one.messages,
                one.sent_by(self._owners),
                one.delivered,
                answers.get(label) or ("ignored" if ":" in label or _is_category(label) else "mailbox"),
            )
            for label, one in counted
        ]
        return tuple(uses if answers else _proposed(uses))


def _proposed(uses: Sequence[LabelUse]) -> list[LabelUse]:
    """The labels with meanings for Sent, "opened" and Inbox, where they can be told."""
    meanings: dict[str, Meaning] = {}
    plain = [use for use in uses if use.meaning == "mailbox"]
    sent = next((use for use in plain if use.own >= OWN * use.messages), None)
    if sent is not None:
        meanings[sent.name] = "sent"
        others = [use for use in plain if use.own < OWN * use.messages]
        opened = next((other for other in others if other.own * 2 > sent.own), None)
        if opened is not None:
            meanings[opened.name] = "opened"
        inbox = next((other for other in others if other is not opened and other.own * 2 < other.messages), None)
        if inbox is not None:
            meanings[inbox.name] = "inbox"
    return [msgspec.structs.replace(use, meaning=meanings.get(use.name, use.meaning)) for use in uses]


def _author(header: HeaderSection) -> str:
    """The address in From, in one spelling; "" without one."""
    addresses, _ = read_addresses([(header.text(b"from") or b"")[: 4 * MAX_ADDRESS]])
    return str(addresses[0].key)[:MAX_ADDRESS] if addresses else ""
