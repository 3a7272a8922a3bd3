"""Google's labels (``X-Gmail-Labels`` of Takeout) to a mailbox, flags and keywords (STORE-194).

Google stores a message once, with any number of labels; here it is in one mailbox. The first system label in the order
of `PLACES` names it, else the first of the user's own labels. Further own labels become keywords if their syntax
allows. Takeout writes the names of system labels in the language of the user's Google account.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from moxlite.proto.mime.words import decode_words
from moxlite.store.errors import BadKeyword
from moxlite.store.names import INBOX
from moxlite.store.rows.keywords import check_keyword
from moxlite.store.types import SpecialUse

PLACES: Final[Mapping[str, SpecialUse | None]] = {
    "spam": SpecialUse.JUNK,
    "trash": SpecialUse.TRASH,
    "drafts": SpecialUse.DRAFTS,
    "sent": SpecialUse.SENT,
    "inbox": None,
}
"""Kinds of labels that name a mailbox, in order of precedence; None is Inbox."""

LANGUAGES: Final[tuple[Mapping[str, str], ...]] = (
    {  # English
        "inbox": "inbox",
        "sent": "sent, sent mail",
        "drafts": "draft, drafts",
        "trash": "trash, bin",
        "spam": "spam",
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
        "spam": "skräppost",
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
        "spam": "søppelpost",
        "starred": "stjernemerket, stjernemerkede",
        "unread": "ulest, uleste",
        "ignored": "arkivert, viktig, viktige, åpnet, ignorert, all e-post",
    },
    {  # Finnish
        "inbox": "saapuneet, postilaatikko",
        "sent": "lähetetyt, lähetetty",
        "drafts": "luonnokset, luonnos",
        "trash": "roskakori",
        "spam": "roskaposti",
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
        "spam": "спам",
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
        "spam": "спам",
        "starred": "із зірочкою",
        "unread": "непрочитані, непрочитано",
        "ignored": "заархівовані, архівовано, важливі, важливо, відкрито, відкриті, відкладені, вся пошта",
    },
    {  # Greek
        "inbox": "εισερχόμενα",
        "sent": "απεσταλμένα",
        "drafts": "πρόχειρα, πρόχειρο",
        "trash": "κάδος απορριμμάτων, κάδος",
        "spam": "ανεπιθύμητα, ανεπιθύμητη αλληλογραφία",
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
        "spam": "迷惑メール",
        "starred": "スター付き",
        "unread": "未読",
        "ignored": "アーカイブ済み, アーカイブ, 重要, 開封済み, 既読, ミュート, すべてのメール",
    },
    {  # Chinese, simplified and traditional
        "inbox": "收件箱, 收件匣",
        "sent": "已发送, 已发邮件, 寄件備份, 已傳送郵件",
        "drafts": "草稿",
        "trash": "垃圾箱, 已删除邮件, 垃圾桶",
        "spam": "垃圾邮件, 垃圾郵件",
        "starred": "已加星标, 已加星號",
        "unread": "未读, 未讀, 未读邮件, 未讀取",
        "ignored": "已归档, 已封存, 重要, 重要邮件, 重要郵件, 已打开, 已開啟, 已读, 已讀, 所有邮件, 所有郵件",
    },
    {  # Korean
        "inbox": "받은편지함",
        "sent": "보낸편지함",
        "drafts": "임시보관함",
        "trash": "휴지통",
        "spam": "스팸함, 스팸",
        "starred": "별표편지함, 별표",
        "unread": "읽지 않음, 안읽은 메일",
        "ignored": "보관됨, 보관처리됨, 중요편지함, 중요, 열림, 전체보관함",
    },
)
"""Names of Google's own labels by kind, in lower case, separated by commas: those that Takeout writes (English,
German, French, Spanish, Catalan, Czech: seen in exports), and the ones of Gmail's pages and IMAP folders.
"""

KINDS: Final[tuple[Mapping[str, str], ...]] = tuple(
    {name: kind for kind, words in ({"spam": "spam"} | dict(names)).items() for name in words.split(", ")}
    for names in LANGUAGES
)
"""By language: the kind of each name."""

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
    "Google's own labels are in a language that is not known here: mail of Inbox, Sent and Trash is in mailboxes of "
    "those names, and all of it counts as read. Export it in English: https://takeout.google.com/?hl=en"
)
"""The problem of an import in which no label of Google's was found."""

TELLING: Final = 10
"""Messages with labels before that is a problem: Takeout gives each at least one of Google's own."""


class Labelled(msgspec.Struct, frozen=True):
    """A message's mailbox: the one with the special use `use`, else the name `mailbox`; `words`: flags and keywords."""

    use: SpecialUse | None
    mailbox: str
    words: tuple[str, ...]


class Labels:
    """The labels of one import. All are of one account, so of one language: that which most of them had so far. A label
    of the user's own may well be a word of Google's in another language.
    """

    def __init__(self) -> None:
        self._messages = 0
        self._found = [0] * len(KINDS)

    @property
    def problem(self) -> str:
        """What to tell at the end of the import, or ""."""
        return UNKNOWN if self._messages >= TELLING and not any(self._found) else ""

    def read(self, value: bytes) -> Labelled:
        """Parse the field: labels separated by commas, quoted if they have a comma; encoded words are decoded."""
        text = " ".join(decode_words(value).split())  # French has no-break spaces before colons
        labels = [label.strip() for row in csv.reader([text], skipinitialspace=True) for label in row if label.strip()]
        kinds = self._kinds(labels)
        own = [label for label, kind in zip(labels, kinds, strict=True) if kind == ""]
        words = []
        if "unread" not in kinds:
            words.append(r"\Seen")
        if "starred" in kinds:
            words.append(r"\Flagged")
        if "drafts" in kinds:
            words.append(r"\Draft")
        for kind, use in PLACES.items():
            if kind in kinds:
                return Labelled(use, INBOX, (*words, *_keywords(own)))
        if own:
            return Labelled(None, own[0], (*words, *_keywords(own[1:])))
        return Labelled(SpecialUse.ARCHIVE, "", tuple(words))

    def _kinds(self, labels: Sequence[str]) -> list[str]:
        """The kind of each label, "" for one of the user's own."""
        self._messages += 1
        lower = [label.lower() for label in labels]
        here = [sum(label in kinds for label in lower) for kinds in KINDS]
        self._found = [before + now for before, now in zip(self._found, here, strict=True)]
        language = self._found.index(max(self._found))
        if not here[language] and max(here) > 1:  # an archive with exports of several accounts
            language = here.index(max(here))
        return [KINDS[language].get(label, "ignored" if _is_category(label) else "") for label in lower]


def _is_category(label: str) -> bool:
    return label.startswith("category ") or (":" in label and label.startswith(CATEGORIES))


def _keywords(labels: list[str]) -> list[str]:
    found = []
    for label in labels:
        try:
            check_keyword(word := label.replace(" ", "_"))
        except BadKeyword:
            continue
        found.append(word)
    return found
