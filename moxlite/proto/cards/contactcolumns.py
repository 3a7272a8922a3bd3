"""Columns of tables of contacts: which field a title names, in Google's two formats, and as Outlook and Thunderbird
write them in fifteen languages. Titles are compared in small letters.

Fields of a name, and those that stand alone, have their titles in `TITLES`. Of addresses, numbers and websites there
are several kinds, and programs join the words in all orders ("Telefon geschäftlich", "Business Phone 2"): a title is
known by words in it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

TITLES: Final[dict[str, str]] = {
    "name": "name, display name, full name, formatted name, file as, anzeigename, nom à afficher, nom affiché, "
    "nombre para mostrar, nombre a mostrar, nome visualizzato, nome da visualizzare, nome de exibição, "
    "nome para exibição, nome a mostrar, weergavenaam, schermnaam, visningsnamn, zobrazované jméno, zobrazit jako, "
    "wyświetlana nazwa, nazwa wyświetlana, показуване ім'я, відображуване ім'я, 表示名, 显示名, 显示名称, 全名, "
    "שם תצוגה, שם לתצוגה, الاسم المعروض, اسم العرض",
    "given": "given name, first name, vorname, prénom, nombre, nome, nome próprio, primeiro nome, voornaam, förnamn, "
    "jméno, křestní jméno, imię, ім'я, 名, 名字, שם פרטי, الاسم الأول, الاسم الاول",
    "middle": "additional name, middle name, weitere vornamen, deuxième prénom, segundo nombre, secondo nome, "
    "segundo nome, middelste naam, tweede voornaam, mellannamn, druhé jméno, prostřední jméno, drugie imię, "
    "друге ім'я, по батькові, ミドル ネーム, 中间名, שם אמצעי, الاسم الأوسط",
    "family": "family name, last name, surname, nachname, nom, nom de famille, apellidos, apellido, cognome, "
    "sobrenome, apelido, último nome, achternaam, efternamn, příjmení, nazwisko, прізвище, 姓, שם משפחה, "
    "اسم العائلة, الاسم الأخير, الاسم الاخير",
    "prefix": "name prefix, title, anrede, titre, tratamiento, título, titolo, aanhef, oslovení, titul, tytuł, "
    "звертання, 敬称, 称谓, תואר, لقب",
    "suffix": "name suffix, suffix, suffixe, sufijo, suffisso, sufixo, achtervoegsel, přípona, sufiks, суфікс, 后缀, "
    "סיומת, لاحقة",
    "nickname": "nickname, spitzname, surnom, apodo, alias, soprannome, alcunha, bijnaam, smeknamn, přezdívka, "
    "pseudonim, przydomek, псевдонім, прізвисько, ニックネーム, 昵称, כינוי, الكنية, الاسم المستعار",
    "organization": "organization name, organization 1 - name, organization, organisation, company, firma, société, "
    "entreprise, empresa, compañía, organización, società, azienda, organizzazione, organização, bedrijf, "
    "organisatie, företag, společnost, organizace, organizacja, організація, компанія, 会社名, 会社, 組織, 所属, "
    "公司, 单位, 组织, "
    "חברה, ארגון, شركة, الشركة, المؤسسة, المنظمة",
    "department": "organization department, organization 1 - department, department, abteilung, service, "
    "département, departamento, reparto, dipartimento, afdeling, avdelning, oddělení, dział, відділ, 部署, 部门, "
    "מחלקה, القسم, قسم",
    "title": "organization title, organization 1 - title, job title, position, fonction, poste, puesto, cargo, "
    "posizione, qualifica, functie, befattning, titel, pozice, funkce, stanowisko, посада, 役職, 肩書き, 职务, 职位, "
    "תפקיד, المسمى الوظيفي, الوظيفة",
    "birthday": "birthday, geburtstag, anniversaire, date de naissance, cumpleaños, fecha de nacimiento, compleanno, "
    "data di nascita, aniversário, data de nascimento, verjaardag, geboortedatum, födelsedag, födelsedatum, "
    "narozeniny, datum narození, urodziny, data urodzenia, день народження, дата народження, 誕生日, 生日, 出生日期, "
    "יום הולדת, תאריך לידה, عيد الميلاد, تاريخ الميلاد",
    "birth year": "birth year, geburtsjahr, année de naissance, año de nacimiento, anno di nascita, "
    "ano de nascimento, geboortejaar, födelseår, rok narození, rok urodzenia, рік народження, 誕生年, 出生年, "
    "出生年份, שנת לידה, سنة الميلاد",
    "birth month": "birth month, geburtsmonat, mois de naissance, mes de nacimiento, mese di nascita, "
    "mês de nascimento, geboortemaand, födelsemånad, měsíc narození, miesiąc urodzenia, місяць народження, 誕生月, "
    "出生月, 出生月份, חודש לידה, شهر الميلاد",
    "birth day": "birth day, jour de naissance, día de nacimiento, giorno di nascita, dia de nascimento, "
    "geboortedag, den narození, dzień urodzenia, 出生日, יום לידה, يوم الميلاد",
    "anniversary": "anniversary, jahrestag, anniversaire de mariage ou fête, anniversaire de mariage, aniversario, "
    "anniversario, jubileum, trouwdag, årsdag, výročí, rocznica, річниця, 記念日, 纪念日, יום נישואין, "
    "ذكرى سنوية, الذكرى السنوية",
    "notes": "notes, note, notizen, remarques, commentaires, notas, observações, notities, anteckningar, poznámky, "
    "notatki, uwagi, нотатки, примітки, メモ, 備考, 注释, 附注, 备注, הערות, ملاحظات",
    "groups": "labels, group membership, categories, groups, kategorien, catégories, categorías, categorie, "
    "categorias, categorieën, kategorier, kategorie, категорії, 分類項目, 分類, 类别, קטגוריות, الفئات, فئات",
    "X-PHONETIC-FIRST-NAME": "phonetic first name, given name yomi",
    "X-PHONETIC-MIDDLE-NAME": "phonetic middle name, additional name yomi",
    "X-PHONETIC-LAST-NAME": "phonetic last name, family name yomi",
}
"""Titles by field, the best first, separated by commas; a field in capitals is a property."""

KNOWN: Final = {
    title: (field, place) for field, titles in TITLES.items() for place, title in enumerate(titles.split(", "))
}
"""By title: its field, and its place among the titles of the field."""

# Of Google: "Address 1 - Street". A type belongs to the value of its number.
NUMBERED: Final = re.compile(
    r"(?P<what>e-mail|phone|address|website|im|event|relation|custom field|organization) "
    r"(?P<number>\d{1,3}) - (?P<part>.+)"
)
GOOGLE: Final = {"e-mail": "email", "phone": "phone", "website": "website"}
PARTS: Final = {
    "street": "street",
    "extended address": "extended",
    "po box": "box",
    "city": "city",
    "region": "region",
    "postal code": "code",
    "country": "country",
    "formatted": "formatted",
}
ADDRESS: Final = ("box", "extended", "street", "city", "region", "code", "country")
"""Parts of an address in the order of ADR (RFC 6350 §6.3.1)."""

EMAIL: Final = re.compile(
    r"e-?mail|e-?post|courriel|messagerie|adresse électr|correo[- ]e|posta elettr|correio|пошт|電子メール|メール|邮件|"
    r"邮箱|דואר|דוא|بريد"
)
WEBSITE: Final = re.compile(
    r"\bweb|\burl\b|website|site internet|página|pagina|\bsito\b|\bsite\b|stránk|strona|сайт|веб|ホーム ?ページ|ウェブ|"
    r"网页|网站|主页|דף|אתר|موقع|صفحة"
)
PHONE: Final = re.compile(
    r"phone|tel[eé]f|telex|\btel\b|t[ée]l[ée]ph|\btfn|mobil|\bcell|fax|t[ée]l[ée]cop|pager|\bbip|biper|rückmeldung|móvil|"
    r"komórk|pejdž|тел|факс|пейдж|電話|携帯|ファックス|ファクス|ポケットベル|电话|手机|移动|传真|寻呼|טלפון|נייד|פקס|זימונית|"
    r"هاتف|جوال|محمول|فاكس|ناسوخ|رقم"
)
PLACES: Final = (
    (
        "code",
        (
            r"zip|postal code|postcode|\bplz\b|postleitzahl|code postal|código postal|codice postale|\bcap\b|\bcep\b|"
            r"postn|psč|kod poczt|індекс|郵便番号|邮政编码|邮编|מיקוד|الرمز البريدي|رمز بريدي"
        ),
    ),
    (
        "box",
        (
            r"po box|postfach|boîte postale|apartado|casella postale|caixa postal|postbus|postbox|skrytka|私書箱|"
            r"邮箱|ת\.ד|صندوق"
        ),
    ),
    ("country", r"country|\bland\b|land/|\bpays|país|paese|nazione|země|\bkraj|країна|国|ארץ|مدينة/بلد|بلد|دولة"),
    (
        "region",
        (
            r"state|region|bundesland|kanton|provin|état|estado|região|\blän\b|delstat|województwo|область|регіон|"
            r"都道府県|省|州|מחוז|מדינה|ولاية|محافظة|منطقة"
        ),
    ),
    (
        "city",
        (
            r"city|stadt|\bort\b|wohnort|ville|ciudad|población|città|località|cidade|localidade|plaats|\bstad\b|"
            r"postort|město|miasto|miejscowość|місто|市区町村|市町村|城市|市|עיר|مدينة"
        ),
    ),
    (
        "street",
        (
            r"street|address|adresse|straße|strasse|\brue\b|calle|dirección|domicilio|indirizzo|\bvia\b|\brua\b|"
            r"endereço|morada|straat|adres|gata|adress|ulice|adresa|ulica|вулиц|адрес|番地|住所|街道|地址|住址|רחוב|כתובת|"
            r"شارع|عنوان"
        ),
    ),
)
PLACE: Final = tuple((part, re.compile(words)) for part, words in PLACES)
KINDS: Final = (
    ("fax", r"fax|t[ée]l[ée]cop|факс|ファックス|ファクス|传真|פקס|فاكس|ناسوخ"),
    ("pager", r"pager|\bbip|pejdž|пейдж|ポケットベル|寻呼|זימונית"),
    ("mobile", r"mobil|\bcell|portable|móvil|celular|telemóvel|komórk|мобіл|携帯|手机|移动|נייד|جوال|محمول"),
    (
        "work",
        (
            r"work|business|company|geschäft|dienst|büro|firma|bureau|profession|travail|trabajo|negocio|ufficio|"
            r"lavoro|comercial|trabalho|empresa|\bwerk|zakelijk|arbet|företag|kontor|prác|zaměst|služeb|prac|służb|"
            r"firm|робо|служб|会社|勤務|商务|单位|工作|公司|办公|עבודה|עסק|العمل|عمل"
        ),
    ),
    (
        "home",
        (
            r"home|privat|domicile|personnel|particular|casa\b|abitazione|residen|thuis|privé|\bhem|bostad|domů|domov|"
            r"bydliště|dom|приват|домаш|自宅|住宅|家庭|בית|منزل"
        ),
    ),
)
KIND: Final = tuple((kind, re.compile(words)) for kind, words in KINDS)
"""In order of precedence: "Home Fax" is a fax."""

ASIDE: Final = re.compile(
    r"typ\b|type|tipo|display|angezeigt|affich|mostrar|nom complet|visualizz|exibi|weerg|visning|zobraz|wyświetl|"
    r"відображ|種類|表示|类型|显示|סוג|תצוגה|نوع|عرض"
)
"""Columns beside an email address: its type, the name that is shown for it."""


class Column(msgspec.Struct, frozen=True):
    """Content of a column.

    Attributes:
      field: a key of `TITLES`, "email", "phone", "website", a part of an address, "kind", or "" for an unknown one.
      kind: home, work, mobile, fax, pager, or "".
      number: columns of one number are of one address, or a type and its value; "" without one.
      sure: the title says it all, else the value must look so.
    """

    field: str = ""
    kind: str = ""
    number: str = ""
    sure: bool = True


MAX_TITLE: Final = 200
"""Characters of a title that are looked at: columns are kept by their titles."""


def column_of(title: str) -> Column:
    """The meaning of a title."""
    return _column_of(title[:MAX_TITLE])


@lru_cache(maxsize=1000)
def _column_of(title: str) -> Column:
    # One form of title after the other: whole, numbered, and with a type in front or behind.
    title = _folded(title)
    if title in KNOWN:
        return Column(KNOWN[title][0])
    numbered = NUMBERED.fullmatch(title)
    if numbered is not None:
        what, part, number = numbered["what"], numbered["part"], f"{numbered['what']} {numbered['number']}"
        if part in ("type", "label"):
            return Column("kind", number=number)
        if what in GOOGLE and part == "value":
            return Column(GOOGLE[what], number=number)
        if what == "address" and part in PARTS:
            return Column(PARTS[part], number=number)
        return Column(number=number)
    kind = kind_in(title)
    if EMAIL.search(title):
        return Column("" if ASIDE.search(title) else "email", kind, sure="@" in title or title.startswith("e"))
    if WEBSITE.search(title):
        return Column("website", kind, sure=False)
    if PHONE.search(title):
        return Column("phone", kind, sure=title.isascii() and "phone" in title)
    for part, words in PLACE:
        if words.search(title):
            return Column(part, kind, number=f"the {kind}", sure=False)
    return Column()


def rank(title: str) -> int:
    """The place of a title among the `TITLES` of its field: the first is the best."""
    return KNOWN[_folded(title)][1]


def _folded(title: str) -> str:
    return " ".join(title.replace("’", "'").casefold().split())


def kind_in(text: str) -> str:
    """The kind that is named in a text."""
    folded = text.casefold()
    return next((kind for kind, words in KIND if words.search(folded)), "")
