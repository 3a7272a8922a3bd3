"""Messages about events as mail (iMIP, RFC 6047): a text that says what has changed, the calendar as another form of
that, and as a file for programs that look for one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from html import escape
from typing import Final, TypeAlias

import msgspec

from moxlite.compose.draft import Draft, File, html_page
from moxlite.normal import visible
from moxlite.proto.cards.calendarobject import CalendarObject
from moxlite.proto.cards.components import Component, read_components, write_component
from moxlite.proto.cards.contentline import Property, plain, unescaped
from moxlite.proto.cards.invitation import Moment
from moxlite.proto.cards.itip import Dates, address_of
from moxlite.proto.cards.joining import is_link, join_of, with_shown_links
from moxlite.proto.cards.moments import duration_of, is_date, moment_of, value_of
from moxlite.proto.cards.organizing import MAX_DATES
from moxlite.proto.cards.received import read_message
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import MailAddress
from moxlite.store.groupware.scheduling import ScheduleMessage

MAX_SHOWN: Final = 500
"""Characters of a title or place in the text."""

MAX_NOTES: Final = 10_000
"""Characters of a description in the text."""

RIGHT_TO_LEFT: Final = frozenset({"ar", "he"})

MAX_TAGS: Final = 10
"""Languages of a header field that are looked at."""


class Language(msgspec.Struct, frozen=True):
    """The words of one language.

    Attributes:
      subjects: before the title, by what a message says. sentences: the first line by that, with ``{name}``.
      labels: of the time and the place. answer: how to answer. was: what a value was before. open: no value any more.
      days: from Monday on; months. date: with ``{day}``, ``{number}``, ``{month}``, ``{year}``. others: a sentence
        below single dates of a series.
    """

    subjects: dict[str, str]
    sentences: dict[str, str]
    labels: tuple[str, str]
    answer: str
    was: str
    open: str
    repeated: str
    days: tuple[str, ...]
    months: tuple[str, ...]
    date: str
    others: str


SAID: Final = (
    *("REQUEST", "CHANGE", "CANCEL", "ACCEPTED", "DECLINED", "TENTATIVE", "ANSWER"),
    *("COUNTER", "DECLINECOUNTER"),
)
"""Kinds of messages: an invitation, a change, a cancellation, a guest's answers, a guest's proposal of another time,
and the organizer's refusal of it.
"""

SAID_OF_DATES: Final = {"DATE": "CHANGE", "DATES": "CHANGE", "DATE_OFF": "CANCEL", "DATES_OFF": "CANCEL"}
"""Kinds of messages about one or several dates of a series, which are changed or called off, and those whose subjects
they have.
"""


def _language(subjects: str, sentences: str, words: str, days: str, months: str, date: str, dates: str) -> Language:
    when, where, answer, was, nothing, repeated = words.split("|")
    *of_dates, others = dates.split("|")
    before_title = dict(zip(SAID, subjects.split("|"), strict=True))
    return Language(
        before_title | {said: before_title[kind] for said, kind in SAID_OF_DATES.items()},
        dict(zip((*SAID, *SAID_OF_DATES), (*sentences.split("|"), *of_dates), strict=True)),
        (when, where),
        answer,
        was,
        nothing,
        repeated,
        tuple(days.split()),
        tuple(months.split()),
        date,
        others,
    )


LANGUAGES: Final = {
    "en": _language(
        "Invitation|Updated|Canceled|Accepted|Declined|Tentative|Reply|New time|Time declined",
        "{name} invited you to this event.|{name} changed this event.|{name} canceled this event."
        "|{name} accepted this invitation.|{name} declined this invitation."
        "|{name} tentatively accepted this invitation.|{name} replied to this invitation."
        "|{name} proposed a new time for this event.|{name} declined the new time you proposed.",
        "When|Where|Reply in your calendar or mail app.|was|to be decided|repeats",
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "January February March April May June July August September October November December",
        "{day}, {month} {number}, {year}",
        "{name} changed one date of this event.|{name} changed several dates of this event."
        "|{name} canceled one date of this event.|{name} canceled several dates of this event."
        "|The other dates don't change.",
    ),
    "de": _language(
        "Einladung|Geändert|Abgesagt|Zugesagt|Abgelehnt|Vielleicht|Antwort|Neue Zeit|Zeit abgelehnt",
        "{name} lädt zu diesem Termin ein.|{name} hat diesen Termin geändert.|{name} hat diesen Termin abgesagt."
        "|{name} hat zugesagt.|{name} hat abgesagt.|{name} hat mit Vorbehalt zugesagt.|{name} hat geantwortet."
        "|{name} schlägt für diesen Termin eine andere Zeit vor.|{name} hat die vorgeschlagene Zeit abgelehnt.",
        "Wann|Wo|Antworten Sie in Ihrem Kalender oder E-Mail-Programm.|vorher|offen|wiederholt",
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "{day}, {number}. {month} {year}",
        "{name} hat einen Termin dieser Serie geändert.|{name} hat mehrere Termine dieser Serie geändert."
        "|{name} hat einen Termin dieser Serie abgesagt.|{name} hat mehrere Termine dieser Serie abgesagt."
        "|Die anderen Termine bleiben unverändert.",
    ),
    "es": _language(
        "Invitación|Modificado|Cancelado|Aceptado|Rechazado|Provisional|Respuesta|Nueva hora|Hora rechazada",
        "{name} te invita a este evento.|{name} ha modificado este evento.|{name} ha cancelado este evento."
        "|{name} ha aceptado la invitación.|{name} ha rechazado la invitación."
        "|{name} ha aceptado provisionalmente la invitación.|{name} ha respondido a la invitación."
        "|{name} propone otra hora para este evento.|{name} ha rechazado la hora propuesta.",
        "Cuándo|Dónde|Responde desde tu calendario o tu programa de correo.|antes|por decidir|repetido",
        "lunes martes miércoles jueves viernes sábado domingo",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "{day}, {number} de {month} de {year}",
        "{name} ha modificado una fecha de este evento.|{name} ha modificado varias fechas de este evento."
        "|{name} ha cancelado una fecha de este evento.|{name} ha cancelado varias fechas de este evento."
        "|Las demás fechas no cambian.",
    ),
    "fr": _language(
        "Invitation|Modifié|Annulé|Accepté|Refusé|Peut-être|Réponse|Nouvel horaire|Horaire refusé",
        "{name} vous invite à cet événement.|{name} a modifié cet événement.|{name} a annulé cet événement."
        "|{name} a accepté cette invitation.|{name} a refusé cette invitation."
        "|{name} a accepté provisoirement cette invitation.|{name} a répondu à cette invitation."
        "|{name} propose un autre horaire pour cet événement.|{name} a refusé l’horaire proposé.",
        "Quand|Où|Répondez dans votre agenda ou votre messagerie.|avant|à définir|répété",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "{day} {number} {month} {year}",
        "{name} a modifié une date de cet événement.|{name} a modifié plusieurs dates de cet événement."
        "|{name} a annulé une date de cet événement.|{name} a annulé plusieurs dates de cet événement."
        "|Les autres dates ne changent pas.",
    ),
    "it": _language(
        "Invito|Modificato|Annullato|Accettato|Rifiutato|Forse|Risposta|Nuovo orario|Orario rifiutato",
        "{name} ti invita a questo evento.|{name} ha modificato questo evento.|{name} ha annullato questo evento."
        "|{name} ha accettato l’invito.|{name} ha rifiutato l’invito.|{name} ha accettato l’invito con riserva."
        "|{name} ha risposto all’invito."
        "|{name} propone un altro orario per questo evento.|{name} ha rifiutato l’orario proposto.",
        "Quando|Dove|Rispondi dal calendario o dal programma di posta.|prima|da definire|ripetuto",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "{day} {number} {month} {year}",
        "{name} ha modificato una data di questo evento.|{name} ha modificato più date di questo evento."
        "|{name} ha annullato una data di questo evento.|{name} ha annullato più date di questo evento."
        "|Le altre date non cambiano.",
    ),
    "nl": _language(
        "Uitnodiging|Gewijzigd|Afgelast|Aangenomen|Afgewezen|Misschien|Antwoord|Nieuwe tijd|Tijd afgewezen",
        "{name} nodigt je uit voor deze afspraak.|{name} heeft deze afspraak gewijzigd."
        "|{name} heeft deze afspraak afgelast.|{name} heeft de uitnodiging aangenomen."
        "|{name} heeft de uitnodiging afgewezen.|{name} heeft de uitnodiging onder voorbehoud aangenomen."
        "|{name} heeft op de uitnodiging geantwoord."
        "|{name} stelt een andere tijd voor deze afspraak voor.|{name} heeft de voorgestelde tijd afgewezen.",
        "Wanneer|Waar|Antwoord in je agenda of mailprogramma.|was|open|herhaald",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
        "januari februari maart april mei juni juli augustus september oktober november december",
        "{day} {number} {month} {year}",
        "{name} heeft één datum van deze afspraak gewijzigd.|{name} heeft meerdere data van deze afspraak gewijzigd."
        "|{name} heeft één datum van deze afspraak afgelast.|{name} heeft meerdere data van deze afspraak afgelast."
        "|De andere data veranderen niet.",
    ),
    "ar": _language(
        "دعوة|تم التحديث|تم الإلغاء|تم القبول|تم الرفض|مبدئي|رد|وقت جديد|تم رفض الوقت",
        "يدعوك {name} إلى هذا الحدث.|غيّر {name} هذا الحدث.|ألغى {name} هذا الحدث."
        "|قبل {name} هذه الدعوة.|رفض {name} هذه الدعوة.|قبل {name} هذه الدعوة مبدئيًا.|ردّ {name} على هذه الدعوة."
        "|يقترح {name} وقتًا جديدًا لهذا الحدث.|رفض {name} الوقت المقترح.",
        "الوقت|المكان|يمكنك الرد من تقويمك أو من برنامج البريد.|سابقًا|غير محدد|متكرر",
        "الاثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد",
        "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
        "{day}، {number} {month} {year}",
        "غيّر {name} موعدًا واحدًا من هذا الحدث.|غيّر {name} عدة مواعيد من هذا الحدث."
        "|ألغى {name} موعدًا واحدًا من هذا الحدث.|ألغى {name} عدة مواعيد من هذا الحدث.|المواعيد الأخرى لا تتغير.",
    ),
    "cs": _language(
        "Pozvánka|Změněno|Zrušeno|Přijato|Odmítnuto|Nezávazně|Odpověď|Nový čas|Čas odmítnut",
        "{name} vás zve na tuto událost.|{name} změnil(a) tuto událost.|{name} zrušil(a) tuto událost."
        "|{name} přijal(a) tuto pozvánku.|{name} odmítl(a) tuto pozvánku."
        "|{name} nezávazně přijal(a) tuto pozvánku.|{name} odpověděl(a) na tuto pozvánku."
        "|{name} navrhuje pro tuto událost nový čas.|{name} odmítl(a) navržený čas.",
        "Kdy|Kde|Odpovězte ve svém kalendáři nebo poštovním programu.|dříve|neurčeno|opakuje se",
        "pondělí úterý středa čtvrtek pátek sobota neděle",
        "ledna února března dubna května června července srpna září října listopadu prosince",
        "{day} {number}. {month} {year}",
        "{name} změnil(a) jeden termín této události.|{name} změnil(a) několik termínů této události."
        "|{name} zrušil(a) jeden termín této události.|{name} zrušil(a) několik termínů této události."
        "|Ostatní termíny se nemění.",
    ),
    "he": _language(
        "הזמנה|עודכן|בוטל|התקבל|נדחה|אולי|תשובה|מועד חדש|המועד נדחה",
        "קיבלת הזמנה לאירוע הזה מאת {name}.|האירוע הזה שונה על ידי {name}.|האירוע הזה בוטל על ידי {name}."
        "|ההזמנה התקבלה על ידי {name}.|ההזמנה נדחתה על ידי {name}.|ההזמנה התקבלה באופן זמני על ידי {name}."
        "|התקבלה תשובה להזמנה מאת {name}."
        "|הוצע מועד חדש לאירוע הזה מאת {name}.|המועד שהוצע נדחה על ידי {name}.",
        "מתי|איפה|אפשר להשיב ביומן או בתוכנת הדואר.|קודם|לא נקבע|חוזר",
        "שני שלישי רביעי חמישי שישי שבת ראשון",
        "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר",
        "יום {day}, {number} ב{month} {year}",
        "מועד אחד של האירוע הזה שונה על ידי {name}.|כמה מועדים של האירוע הזה שונו על ידי {name}."
        "|מועד אחד של האירוע הזה בוטל על ידי {name}.|כמה מועדים של האירוע הזה בוטלו על ידי {name}."
        "|שאר המועדים לא השתנו.",
    ),
    "ja": _language(
        "招待|更新|キャンセル|承諾|辞退|仮承諾|回答|新しい日時の提案|日時の辞退",
        "{name} さんがこの予定に招待しています。|{name} さんがこの予定を変更しました。"
        "|{name} さんがこの予定をキャンセルしました。|{name} さんが招待を承諾しました。"
        "|{name} さんが招待を辞退しました。"
        "|{name} さんが招待を仮承諾しました。|{name} さんが招待に回答しました。"
        "|{name} さんがこの予定の新しい日時を提案しています。|{name} さんが提案された日時を辞退しました。",
        "日時|場所|カレンダーまたはメールソフトで回答してください。|変更前|未定|繰り返し",
        "月 火 水 木 金 土 日",
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "{year}年{month}月{number}日（{day}）",
        "{name} さんがこの予定の 1 回分を変更しました。|{name} さんがこの予定の数回分を変更しました。"
        "|{name} さんがこの予定の 1 回分をキャンセルしました。"
        "|{name} さんがこの予定の数回分をキャンセルしました。"
        "|ほかの回に変更はありません。",
    ),
    "pl": _language(
        "Zaproszenie|Zmieniono|Odwołano|Przyjęto|Odrzucono|Wstępnie|Odpowiedź|Nowy termin|Termin odrzucony",
        "{name} zaprasza na to wydarzenie.|{name}: wydarzenie zostało zmienione."
        "|{name}: wydarzenie zostało odwołane.|{name}: zaproszenie zostało przyjęte."
        "|{name}: zaproszenie zostało odrzucone.|{name}: zaproszenie zostało wstępnie przyjęte."
        "|{name}: odpowiedź na zaproszenie."
        "|{name} proponuje nowy termin tego wydarzenia.|{name}: proponowany termin został odrzucony.",
        "Kiedy|Gdzie|Odpowiedz w kalendarzu lub programie pocztowym.|wcześniej|do ustalenia|cyklicznie",
        "poniedziałek wtorek środa czwartek piątek sobota niedziela",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        "{day}, {number} {month} {year}",
        "{name}: jeden termin tego wydarzenia został zmieniony."
        "|{name}: kilka terminów tego wydarzenia zostało zmienionych."
        "|{name}: jeden termin tego wydarzenia został odwołany."
        "|{name}: kilka terminów tego wydarzenia zostało odwołanych."
        "|Pozostałe terminy się nie zmieniają.",
    ),
    "pt": _language(
        "Convite|Atualizado|Cancelado|Aceite|Recusado|Provisório|Resposta|Novo horário|Horário recusado",
        "{name} convida você para este evento.|{name} alterou este evento.|{name} cancelou este evento."
        "|{name} aceitou este convite.|{name} recusou este convite.|{name} aceitou provisoriamente este convite."
        "|{name} respondeu a este convite."
        "|{name} propõe outro horário para este evento.|{name} recusou o horário proposto.",
        "Quando|Onde|Responda no seu calendário ou programa de e-mail.|antes|a definir|repetido",
        "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "{day}, {number} de {month} de {year}",
        "{name} alterou uma data deste evento.|{name} alterou várias datas deste evento."
        "|{name} cancelou uma data deste evento.|{name} cancelou várias datas deste evento."
        "|As outras datas não mudam.",
    ),
    "sv": _language(
        "Inbjudan|Ändrad|Inställd|Accepterad|Avböjd|Preliminär|Svar|Ny tid|Tiden avböjd",
        "{name} bjuder in dig till den här händelsen.|{name} har ändrat den här händelsen."
        "|{name} har ställt in den här händelsen.|{name} har accepterat inbjudan.|{name} har avböjt inbjudan."
        "|{name} har preliminärt accepterat inbjudan.|{name} har svarat på inbjudan."
        "|{name} föreslår en ny tid för den här händelsen.|{name} har avböjt den föreslagna tiden.",
        "När|Var|Svara i din kalender eller ditt e-postprogram.|tidigare|ej bestämt|upprepas",
        "måndag tisdag onsdag torsdag fredag lördag söndag",
        "januari februari mars april maj juni juli augusti september oktober november december",
        "{day} {number} {month} {year}",
        "{name} har ändrat ett datum för den här händelsen.|{name} har ändrat flera datum för den här händelsen."
        "|{name} har ställt in ett datum för den här händelsen.|{name} har ställt in flera datum för den här händelsen."
        "|De andra datumen ändras inte.",
    ),
    "uk": _language(
        "Запрошення|Змінено|Скасовано|Прийнято|Відхилено|Попередньо|Відповідь|Новий час|Час відхилено",
        "{name} запрошує вас на цю подію.|{name} змінює цю подію.|{name} скасовує цю подію."
        "|{name} приймає це запрошення.|{name} відхиляє це запрошення.|{name} попередньо приймає це запрошення."
        "|{name} відповідає на це запрошення."
        "|{name} пропонує новий час для цієї події.|{name} відхиляє запропонований час.",
        "Коли|Де|Відповідайте в календарі або поштовій програмі.|раніше|не визначено|повторюється",
        "понеділок вівторок середа четвер п’ятниця субота неділя",
        "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
        "{day}, {number} {month} {year}",
        "{name} змінює одну дату цієї події.|{name} змінює кілька дат цієї події."
        "|{name} скасовує одну дату цієї події.|{name} скасовує кілька дат цієї події.|Інші дати не змінюються.",
    ),
    "zh": _language(
        "邀请|已更新|已取消|已接受|已拒绝|暂定|回复|新时间|时间已拒绝",
        "{name} 邀请您参加此活动。|{name} 更改了此活动。|{name} 取消了此活动。"
        "|{name} 接受了此邀请。|{name} 拒绝了此邀请。|{name} 暂时接受了此邀请。|{name} 回复了此邀请。"
        "|{name} 为此活动提议了新时间。|{name} 拒绝了提议的时间。",
        "时间|地点|请在日历或邮件程序中回复。|原为|待定|重复",
        "星期一 星期二 星期三 星期四 星期五 星期六 星期日",
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "{year}年{month}月{number}日 {day}",
        "{name} 更改了此活动的其中一次。"
        "|{name} 更改了此活动的多次安排。"
        "|{name} 取消了此活动的其中一次。"
        "|{name} 取消了此活动的多次安排。"
        "|其他各次不变。",
    ),
}
"""The languages of the webmail by their codes."""

LANGUAGE: Final = re.compile(rb"[A-Za-z]{2,3}(?![A-Za-z])")


def language_in(header: bytes) -> str:
    """The language that the author of a message writes or reads (RFC 3282), one of `LANGUAGES`; "" for none."""
    section = HeaderSection(header)
    for name in (b"content-language", b"accept-language"):  # Outlook writes both, most programs the first
        for tag in LANGUAGE.findall(section.text(name) or b"")[:MAX_TAGS]:
            if (language := str(tag, "ascii").lower()) in LANGUAGES:
                return language
    return ""


class Names(msgspec.Struct, frozen=True):
    """Names in a mail about an event: of the user, and of who wrote on behalf of the user."""

    user: str = ""
    behalf: str = ""


def letter(
    owed: ScheduleMessage, to: Sequence[str], names: Names, message_id: str, now: int, language: str = "en"
) -> tuple[Draft, list[File]]:
    """The mail of a message to these addresses, and its files. `now`: µs UTC; `language`: of `LANGUAGES`, else English.

    Raises BadComponents, BadObject.
    """
    _, entry = read_message(owed.text)
    before = Dates(read_message(owed.before)[1]) if owed.before else None
    words = LANGUAGES.get(language, LANGUAGES["en"])
    said = said_by(owed, entry)
    first = words.sentences[said].replace("{name}", names.user or owed.sender)
    dates = entry.parts if entry.main.first("RECURRENCE-ID") is not None else []
    series = before.series if dates and before is not None else None
    title = _title(series or entry.main)
    paragraphs: list[list[str]] = [[first], [title]]
    for part in dates[:MAX_DATES] or [entry.main]:
        facts = _facts(part, None if before is None else before.version_of(part), words)
        paragraphs.append(facts if _title(part) == title else [_title(part), *facts])
    facts = [*(["…"] if len(dates) > MAX_DATES else []), *([words.others] if owed.dates else [])]
    paragraphs.append(facts)
    subject = f"{words.subjects[said]}: {title}"
    if dates:
        subject += f" ({_date_by_rule(entry, words)}{', …' if len(dates) > 1 else ''})"
    calendar = owed.text
    if owed.method == "REQUEST":
        notes = _notes(entry.main)
        link = join_of(entry.main)
        if link and not any(link in text for lines in (*paragraphs, notes) for text in lines):
            facts.append(link)
        # Programs with buttons show them by the calendar; readers of the text alone need the last sentence.
        paragraphs += [notes, [words.answer]]
        calendar = write_component(with_shown_links(read_components(owed.text, "VCALENDAR")))
    octets = calendar.encode()
    parameters = (("method", owed.method), ("charset", "utf-8"))
    files = [
        File("", "text/calendar", len(octets), lambda: [octets], parameters=parameters, place="alternative"),
        File("invite.ics", "application/ics", len(octets), lambda: [octets]),
    ]
    draft = Draft(
        author=_address(owed.sender, names.user),
        sender=_address(owed.behalf, names.behalf) if owed.behalf else None,
        to=tuple(_address(one, "") for one in to),
        subject=subject,
        text=text_of(paragraphs),
        html=html_page(html_of(paragraphs, language), ""),
        message_id=message_id,
        date=now,
        headers=(("Auto-Submitted", "auto-generated"),),
    )
    return draft, files


def _facts(part: Component, earlier: Component | None, words: Language) -> list[str]:
    """Lines that say when and where an event takes place, and what an earlier version said."""
    was_when, was_place = ("", "") if earlier is None else (_when(earlier, words), _place(earlier))
    facts: list[str] = []
    for label, value, was in zip(words.labels, (_when(part, words), _place(part)), (was_when, was_place), strict=True):
        if value or was:
            changed = f" ({words.was}: {was})" if was and was != value else ""
            facts.append(f"{label}: {value or words.open}{changed}")
    return facts


def _date_by_rule(entry: CalendarObject, words: Language) -> str:
    """The first date of a message about dates of a series, at which it was by the series' rule."""
    moment = moment_of(entry.parts[0].first("RECURRENCE-ID"), entry.zones)
    return "" if moment is None else _day(moment, words)


Paragraphs: TypeAlias = Sequence[Sequence[str]]
"""Paragraphs of a mail and their lines. The second is the event's title. Empty ones are left out."""


def text_of(paragraphs: Paragraphs) -> str:
    """A mail about an event as plain text."""
    return "\n\n".join("\n".join(lines) for lines in paragraphs if any(lines)) + "\n"


def html_of(paragraphs: Paragraphs, language: str) -> str:
    """A mail about an event as HTML, in which links can be followed."""
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    shown: list[str] = []
    for number, lines in enumerate(paragraphs):
        if any(lines):
            inner = "<br>\n".join(" ".join(map(_linked, escape(line).split(" "))) for line in lines)
            shown.append(f"<p><b>{inner}</b></p>" if number == 1 else f"<p>{inner}</p>")
    body = "\n".join(shown)
    return f'<div lang="{language}" dir="{direction}">\n{body}\n</div>'


def _linked(word: str) -> str:
    """A word of HTML, as a link if it's one."""
    return f'<a href="{word}">{word}</a>' if is_link(word) else word


def _notes(part: Component) -> list[str]:
    text = unescaped(part.value("DESCRIPTION")[: 4 * MAX_NOTES])[:MAX_NOTES]
    lines = (visible(line, "").rstrip() for line in text.strip().split("\n"))
    return list(lines)


def news_words(language: str, said: str, title: str) -> str:
    """Title of a notice on a device about what someone else changed in an event. `said`: as of `said_by`."""
    return f"{LANGUAGES.get(language, LANGUAGES['en']).subjects[said]}: {title}"


def answer_words(
    language: str, said: str, name: str, title: str, times: tuple[Moment | None, Moment | None], note: str
) -> tuple[str, str]:
    """Subject and HTML of the mail with which a guest or organiser answers. `said`: a kind of `SAID`; `times`: start
    and end of the event.
    """
    words = LANGUAGES[language]
    when = _time_words(*times, words)
    facts = [f"{words.labels[0]}: {when}"] if when else []
    paragraphs = [[words.sentences[said].replace("{name}", name)], [title], facts, note.split("\n")]
    return f"{words.subjects[said]}: {title}", html_of(paragraphs, language)


def _time_words(start: Moment | None, end: Moment | None, words: Language) -> str:
    if start is None:
        return ""
    begin = datetime.fromisoformat(start.local)
    if "T" not in start.local:
        return _day(begin, words)
    until = None if end is None or "T" not in end.local else datetime.fromisoformat(end.local)
    return _span(begin, until, words) + (f" ({start.zone})" if start.zone else "")


REMINDERS: Final = {
    "en": "Reminder",
    "de": "Erinnerung",
    "es": "Recordatorio",
    "fr": "Rappel",
    "it": "Promemoria",
    "nl": "Herinnering",
    "ar": "تذكير",
    "cs": "Připomenutí",
    "he": "תזכורת",
    "ja": "リマインダー",
    "pl": "Przypomnienie",
    "pt": "Lembrete",
    "sv": "Påminnelse",
    "uk": "Нагадування",
    "zh": "提醒",
}
"""Before the title, in the mail of an alarm."""


def reminder(
    title: str, place: str, link: str, span: tuple[datetime, datetime] | None, day: str, language: str
) -> tuple[str, str]:
    """Subject and text of the mail of an alarm (DAV-50). `link`: by which one joins, "" for none; `span`: start and end
    in the zone in which they are shown; `day`: the entry has whole days, and this is the first.
    """
    code = language if language in LANGUAGES else "en"
    words = LANGUAGES[code]
    lines = [title]
    if span is not None:
        begin, until = span
        text = _day(datetime.fromisoformat(day), words) if day else f"{_span(begin, until, words)} ({begin.tzinfo})"
        lines.append(f"{words.labels[0]}: {text}")
    if place:
        lines.append(f"{words.labels[1]}: {place}")
    if link and link not in place:
        lines.append(link)
    return f"{REMINDERS[code]}: {title}", "\n".join(lines) + "\n"


def _span(begin: datetime, until: datetime | None, words: Language) -> str:
    text = f"{_day(begin, words)}, {begin:%H:%M}"
    if until is None or until == begin:
        return text
    return text + (f"–{until:%H:%M}" if until.date() == begin.date() else f" – {_day(until, words)}, {until:%H:%M}")


def _when(part: Component, words: Language) -> str:
    """Event's time in words, in its own time zone, or "" if it has none."""
    start = part.first("DTSTART")
    begin = None if start is None else value_of(start.value.strip())
    if start is None or begin is None:
        return ""
    end = part.first("DTEND") or part.first("DUE")
    until = None if end is None else value_of(end.value.strip())
    if end is None and (length := duration_of(part.value("DURATION"))) is not None:
        with suppress(OverflowError):  # at the end of all years
            until = begin + length
    repeated = f", {words.repeated}" if part.first("RRULE") is not None else ""
    if is_date(start):
        return f"{_day(begin, words)}{repeated}"
    return _span(begin, until, words) + _zone(start) + repeated


def _day(moment: datetime, words: Language) -> str:
    return words.date.format(
        day=words.days[moment.weekday()], number=moment.day, month=words.months[moment.month - 1], year=moment.year
    )


def _zone(start: Property) -> str:
    moment = moment_of(start, {})
    if moment is not None and start.value.strip().endswith("Z"):
        return " (UTC)"
    name = plain(start.parameter("TZID"), 100)
    return f" ({name})" if name else ""


def _title(part: Component) -> str:
    return plain(part.value("SUMMARY"), MAX_SHOWN)


def _place(part: Component) -> str:
    return plain(part.value("LOCATION"), MAX_SHOWN)


def said_by(owed: ScheduleMessage, entry: CalendarObject) -> str:
    """The kind of a message, of `SAID` or `SAID_OF_DATES`."""
    if owed.dates:
        number = "DATES" if len(entry.parts) > 1 else "DATE"
        return f"{number}_OFF" if owed.method == "CANCEL" else number
    if owed.method == "CANCEL":
        return "CANCEL"
    if owed.method == "REPLY":
        line = next((prop for prop in entry.main.all("ATTENDEE") if address_of(prop) == owed.sender), None)
        status = "" if line is None else line.parameter("PARTSTAT").upper()
        return status if status in ("ACCEPTED", "DECLINED", "TENTATIVE") else "ANSWER"
    return "CHANGE" if owed.before else "REQUEST"


def _address(address: str, name: str) -> MailAddress:
    localpart, _, domain = address.rpartition("@")
    return MailAddress(name=name, localpart=localpart, domain=domain)
