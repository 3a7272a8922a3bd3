"""Times, durations and zones of calendars (RFC 5545 §3.3.4 to §3.3.6, §3.8.3): values of lines as Python's, and as
seconds since 1970.

Times without a zone, and dates, are told as UTC until `in_zone` moves them into a calendar's zone (DAV-8). Known names
of zones count, not what a file says about them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.proto.cards.contentline import Property, unescaped

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAY: Final = timedelta(days=1)
TIME: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")
OFFSET: Final = re.compile(r"([+-])([0-9]{2})([0-9]{2})([0-9]{2})?")
DURATION: Final = re.compile(
    r"([+-]?)P(?:([0-9]{1,4})W|(?:([0-9]{1,5})D)?(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,7})S)?)?)"
)
DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WINDOWS: Final = {
    "AUS Central Standard Time": "Australia/Darwin",
    "AUS Eastern Standard Time": "Australia/Sydney",
    "Afghanistan Standard Time": "Asia/Kabul",
    "Alaskan Standard Time": "America/Anchorage",
    "Aleutian Standard Time": "America/Adak",
    "Altai Standard Time": "Asia/Barnaul",
    "Arab Standard Time": "Asia/Riyadh",
    "Arabian Standard Time": "Asia/Dubai",
    "Arabic Standard Time": "Asia/Baghdad",
    "Argentina Standard Time": "America/Buenos_Aires",
    "Astrakhan Standard Time": "Europe/Astrakhan",
    "Atlantic Standard Time": "America/Halifax",
    "Aus Central W. Standard Time": "Australia/Eucla",
    "Azerbaijan Standard Time": "Asia/Baku",
    "Azores Standard Time": "Atlantic/Azores",
    "Bahia Standard Time": "America/Bahia",
    "Bangladesh Standard Time": "Asia/Dhaka",
    "Belarus Standard Time": "Europe/Minsk",
    "Bougainville Standard Time": "Pacific/Bougainville",
    "Canada Central Standard Time": "America/Regina",
    "Cape Verde Standard Time": "Atlantic/Cape_Verde",
    "Caucasus Standard Time": "Asia/Yerevan",
    "Cen. Australia Standard Time": "Australia/Adelaide",
    "Central America Standard Time": "America/Guatemala",
    "Central Asia Standard Time": "Asia/Bishkek",
    "Central Brazilian Standard Time": "America/Cuiaba",
    "Central Europe Standard Time": "Europe/Budapest",
    "Central European Standard Time": "Europe/Warsaw",
    "Central Pacific Standard Time": "Pacific/Guadalcanal",
    "Central Standard Time": "America/Chicago",
    "Central Standard Time (Mexico)": "America/Mexico_City",
    "Chatham Islands Standard Time": "Pacific/Chatham",
    "China Standard Time": "Asia/Shanghai",
    "Cuba Standard Time": "America/Havana",
    "Dateline Standard Time": "Etc/GMT+12",
    "E. Africa Standard Time": "Africa/Nairobi",
    "E. Australia Standard Time": "Australia/Brisbane",
    "E. Europe Standard Time": "Europe/Chisinau",
    "E. South America Standard Time": "America/Sao_Paulo",
    "Easter Island Standard Time": "Pacific/Easter",
    "Eastern Standard Time": "America/New_York",
    "Eastern Standard Time (Mexico)": "America/Cancun",
    "Egypt Standard Time": "Africa/Cairo",
    "Ekaterinburg Standard Time": "Asia/Yekaterinburg",
    "FLE Standard Time": "Europe/Kiev",
    "Fiji Standard Time": "Pacific/Fiji",
    "GMT Standard Time": "Europe/London",
    "GTB Standard Time": "Europe/Bucharest",
    "Georgian Standard Time": "Asia/Tbilisi",
    "Greenland Standard Time": "America/Godthab",
    "Greenwich Standard Time": "Atlantic/Reykjavik",
    "Haiti Standard Time": "America/Port-au-Prince",
    "Hawaiian Standard Time": "Pacific/Honolulu",
    "India Standard Time": "Asia/Calcutta",
    "Iran Standard Time": "Asia/Tehran",
    "Israel Standard Time": "Asia/Jerusalem",
    "Jordan Standard Time": "Asia/Amman",
    "Kaliningrad Standard Time": "Europe/Kaliningrad",
    "Korea Standard Time": "Asia/Seoul",
    "Libya Standard Time": "Africa/Tripoli",
    "Line Islands Standard Time": "Pacific/Kiritimati",
    "Lord Howe Standard Time": "Australia/Lord_Howe",
    "Magadan Standard Time": "Asia/Magadan",
    "Magallanes Standard Time": "America/Punta_Arenas",
    "Marquesas Standard Time": "Pacific/Marquesas",
    "Mauritius Standard Time": "Indian/Mauritius",
    "Middle East Standard Time": "Asia/Beirut",
    "Montevideo Standard Time": "America/Montevideo",
    "Morocco Standard Time": "Africa/Casablanca",
    "Mountain Standard Time": "America/Denver",
    "Mountain Standard Time (Mexico)": "America/Mazatlan",
    "Myanmar Standard Time": "Asia/Rangoon",
    "N. Central Asia Standard Time": "Asia/Novosibirsk",
    "Namibia Standard Time": "Africa/Windhoek",
    "Nepal Standard Time": "Asia/Katmandu",
    "New Zealand Standard Time": "Pacific/Auckland",
    "Newfoundland Standard Time": "America/St_Johns",
    "Norfolk Standard Time": "Pacific/Norfolk",
    "North Asia East Standard Time": "Asia/Irkutsk",
    "North Asia Standard Time": "Asia/Krasnoyarsk",
    "North Korea Standard Time": "Asia/Pyongyang",
    "Omsk Standard Time": "Asia/Omsk",
    "Pacific SA Standard Time": "America/Santiago",
    "Pacific Standard Time": "America/Los_Angeles",
    "Pacific Standard Time (Mexico)": "America/Tijuana",
    "Pakistan Standard Time": "Asia/Karachi",
    "Paraguay Standard Time": "America/Asuncion",
    "Qyzylorda Standard Time": "Asia/Qyzylorda",
    "Romance Standard Time": "Europe/Paris",
    "Russia Time Zone 10": "Asia/Srednekolymsk",
    "Russia Time Zone 11": "Asia/Kamchatka",
    "Russia Time Zone 3": "Europe/Samara",
    "Russian Standard Time": "Europe/Moscow",
    "SA Eastern Standard Time": "America/Cayenne",
    "SA Pacific Standard Time": "America/Bogota",
    "SA Western Standard Time": "America/La_Paz",
    "SE Asia Standard Time": "Asia/Bangkok",
    "Saint Pierre Standard Time": "America/Miquelon",
    "Sakhalin Standard Time": "Asia/Sakhalin",
    "Samoa Standard Time": "Pacific/Apia",
    "Sao Tome Standard Time": "Africa/Sao_Tome",
    "Saratov Standard Time": "Europe/Saratov",
    "Singapore Standard Time": "Asia/Singapore",
    "South Africa Standard Time": "Africa/Johannesburg",
    "South Sudan Standard Time": "Africa/Juba",
    "Sri Lanka Standard Time": "Asia/Colombo",
    "Sudan Standard Time": "Africa/Khartoum",
    "Syria Standard Time": "Asia/Damascus",
    "Taipei Standard Time": "Asia/Taipei",
    "Tasmania Standard Time": "Australia/Hobart",
    "Tocantins Standard Time": "America/Araguaina",
    "Tokyo Standard Time": "Asia/Tokyo",
    "Tomsk Standard Time": "Asia/Tomsk",
    "Tonga Standard Time": "Pacific/Tongatapu",
    "Transbaikal Standard Time": "Asia/Chita",
    "Turkey Standard Time": "Europe/Istanbul",
    "Turks And Caicos Standard Time": "America/Grand_Turk",
    "US Eastern Standard Time": "America/Indianapolis",
    "US Mountain Standard Time": "America/Phoenix",
    "UTC": "UTC",
    "UTC+12": "Etc/GMT-12",
    "UTC+13": "Etc/GMT-13",
    "UTC-02": "Etc/GMT+2",
    "UTC-08": "Etc/GMT+8",
    "UTC-09": "Etc/GMT+9",
    "UTC-11": "Etc/GMT+11",
    "Ulaanbaatar Standard Time": "Asia/Ulaanbaatar",
    "Venezuela Standard Time": "America/Caracas",
    "Vladivostok Standard Time": "Asia/Vladivostok",
    "Volgograd Standard Time": "Europe/Volgograd",
    "W. Australia Standard Time": "Australia/Perth",
    "W. Central Africa Standard Time": "Africa/Lagos",
    "W. Europe Standard Time": "Europe/Berlin",
    "W. Mongolia Standard Time": "Asia/Hovd",
    "West Asia Standard Time": "Asia/Tashkent",
    "West Bank Standard Time": "Asia/Hebron",
    "West Pacific Standard Time": "Pacific/Port_Moresby",
    "Yakutsk Standard Time": "Asia/Yakutsk",
    "Yukon Standard Time": "America/Whitehorse",
}
"""Names of zones that Microsoft's programs write, and the same zones in the IANA database (Unicode CLDR)."""

MAX_ZONE: Final = 200
"""Characters of a zone's name."""

DESCRIBED: Final = re.compile(r"\((?:UTC|GMT)(?:[+-][0-9]{2}:?[0-9]{2})?\) *(\S.*)")
"""A zone as Windows lists it for people: ``(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna``."""

FIXED: Final = re.compile(r"\(?(?:UTC|GMT|(?=[+-][0-9]{2}:?[0-9]{2}$)) ?([+-])([0-9]{1,2})(?::?([0-9]{2}))?(?:\).*)?")
"""A zone by its offset, as Exchange and others write it: ``(GMT +01:00)``, ``UTC+01``, ``+01:00``, also before places
that Windows doesn't list.
"""

FURTHEST: Final = 14
"""Hours of the largest offset of a zone of people."""

PLACES: Final = {
    "Abu Dhabi": "Asia/Dubai",
    "Alaska": "America/Anchorage",
    "Arizona": "America/Phoenix",
    "Astana": "Asia/Almaty",
    "Athens": "Europe/Athens",
    "Atlantic Time": "America/Halifax",
    "Beijing": "Asia/Shanghai",
    "Brasilia": "America/Sao_Paulo",
    "Central America": "America/Guatemala",
    "Central Time": "America/Chicago",
    "Chennai": "Asia/Kolkata",
    "Coordinated Universal Time": "UTC",
    "Eastern Time": "America/New_York",
    "Greenwich Mean Time : Dublin": "Europe/London",
    "Hanoi": "Asia/Bangkok",
    "Harare": "Africa/Johannesburg",
    "Hawaii": "Pacific/Honolulu",
    "Helsinki": "Europe/Helsinki",
    "Indiana": "America/Indianapolis",
    "Kathmandu": "Asia/Katmandu",
    "Monrovia": "Atlantic/Reykjavik",
    "Mountain Time": "America/Denver",
    "Newfoundland": "America/St_Johns",
    "Pacific Time": "America/Los_Angeles",
    "Saskatchewan": "America/Regina",
    "Sri Jayawardenepura": "Asia/Colombo",
    "West Central Africa": "Africa/Lagos",
    "Yangon": "Asia/Rangoon",
} | {zone.rpartition("/")[2].replace("_", " "): zone for zone in WINDOWS.values()}
"""Places that Windows lists zones by."""

ABBREVIATION: Final = re.compile("(?!UTC)[A-Z]{3,4}(?:[0-9][A-Z]{3})?")
"""Names by which files mean their own zone, such as EST, in which clocks change; not so in the IANA database."""

Zones = Mapping[str, tzinfo]
"""Zones of a file by name."""

FLOATING: Final = ""
"""Name of a file's zone for dates and times that name no zone. Without it they have none."""


MAX_ZONE_NAME: Final = 200
"""Characters of a zone's name: longer ones aren't looked up, so they aren't kept, either."""


def iana_zone(name: str) -> ZoneInfo | None:
    """A zone by its name in the IANA database, in Microsoft's programs, or at the end of a path of other programs."""
    return _iana_zone(name) if len(name) <= MAX_ZONE_NAME else None


@lru_cache(maxsize=100)
def _iana_zone(name: str) -> ZoneInfo | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # 1 MB that a server without calendars does not need

    name = name.strip('"')
    for one in (WINDOWS.get(name, name), "/".join(name.split("/")[-2:]), "/".join(name.split("/")[-3:])):
        try:
            return ZoneInfo(one)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return None


def zone_name(text: str) -> str:
    """The name of a zone, of the property or the parameter TZID. It is TEXT (RFC 5545 §3.8.3.1), which programs escape
    in either place, or quote.
    """
    return unescaped(text).strip(' "')


def known_zone(name: str, zones: Zones) -> tzinfo | None:
    """A zone by its name: that of the IANA database or of Windows, else that of the file, else the one that the name
    describes by places or by its offset.
    """
    own = zones.get(name)
    if own is not None and ABBREVIATION.fullmatch(name):
        return own
    return iana_zone(name) or own or described_zone(name) or fixed_zone(name)


def described_zone(name: str) -> ZoneInfo | None:
    """The zone that Windows lists by these places."""
    match = DESCRIBED.fullmatch(name)
    for place in (match[1] if match is not None else name).split(","):
        zone = PLACES.get(place.partition("(")[0].strip())
        if zone is not None:
            return iana_zone(zone)
    return None


def fixed_zone(name: str) -> tzinfo | None:
    """The zone with the offset that a name says: of whole hours one of the IANA database, so that it has a name."""
    match = FIXED.fullmatch(name)
    hours, minutes = (0, 0) if match is None else (int(match[2]), int(match[3] or 0))
    if match is None or hours > FURTHEST or minutes > 59:
        return None
    if not minutes and (zone := iana_zone(f"Etc/GMT{'-' if match[1] == '+' else '+'}{hours}")) is not None:
        return zone  # its name has the other sign
    span = timedelta(hours=hours, minutes=minutes)
    return timezone(span if match[1] == "+" else -span)


def value_of(text: str) -> datetime | None:
    """The date or time that a text means, without a zone but for UTC; None for another text. A date is its first
    second.
    """
    match = TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(group or 0) for group in match.groups()[:6])
    try:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC if match[7] else None)
    except ValueError:
        return None


def is_date(prop: Property) -> bool:
    """Whether a property has dates, no times."""
    return "T" not in prop.value


def moment_of(prop: Property | None, zones: Zones) -> datetime | None:
    """The time of a property, in its zone; that of `FLOATING` where it is floating or a date."""
    if prop is None:
        return None
    value = value_of(prop.value.strip())
    if value is None or value.tzinfo is not None:
        return value
    name = "" if is_date(prop) else zone_name(prop.parameter("TZID"))
    return value.replace(tzinfo=known_zone(name, zones) if name else zones.get(FLOATING))


def in_series_form(line: Property, first: Property | None) -> Property:
    """Rewrite a line that names an instance of a series in the form of its DTSTART, `first`.

    Exchange names days by midnight in a zone. Other programs leave out the zone, or add one to times without a zone.
    """
    value = line.value.strip()
    if first is None or is_date(line) or value.endswith("Z"):
        return line
    if is_date(first):
        return msgspec.structs.replace(line, value=value[:8])
    zone, mark = first.parameters.get("TZID", []), "Z" if first.value.strip().endswith("Z") else ""
    if line.parameter("TZID") and (zone or mark):
        return line
    return msgspec.structs.replace(line, parameters={**line.parameters, "TZID": zone}, value=f"{value}{mark}")


def seconds_of(moment: datetime) -> int:
    """Seconds since 1970 of a moment; a floating one counts as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


def in_zone(seconds: int, zone: tzinfo) -> int:
    """The moment of a time without a zone, which is told as if it were UTC, in a zone."""
    try:
        return seconds_of((datetime(1970, 1, 1) + timedelta(seconds=seconds)).replace(tzinfo=zone))  # noqa: DTZ001
    except OverflowError:
        return seconds


class Length(msgspec.Struct, frozen=True):
    """A duration (RFC 5545 §3.3.6): days of the calendar, which have 23 to 25 hours where the clocks change, and
    seconds.
    """

    days: int
    seconds: int

    def end(self, start: datetime) -> int:
        """Seconds UTC of the end of what starts then; no end is before its start."""
        if self.days and start.tzinfo is not None:
            with suppress(OverflowError):
                return max(seconds_of(start), seconds_of(start + timedelta(days=self.days)) + self.seconds)
        return seconds_of(start) + max(0, self.days * 86_400 + self.seconds)


def length_of(text: str) -> Length | None:
    """The duration that a text means."""
    match = DURATION.fullmatch(text.strip())
    if match is None:
        return None
    weeks, days, hours, minutes, seconds = (int(group or 0) for group in match.groups()[1:])
    sign = -1 if match[1] == "-" else 1
    return Length(sign * (weeks * 7 + days), sign * (hours * 3600 + minutes * 60 + seconds))


def duration_of(text: str) -> timedelta | None:
    """A duration, with days of 24 hours."""
    length = length_of(text)
    return None if length is None else timedelta(days=length.days, seconds=length.seconds)


def period_of(text: str) -> tuple[int, int] | None:
    """Seconds of the start and the end of a period (RFC 5545 §3.3.9)."""
    start_text, _, end_text = text.strip().partition("/")
    start = value_of(start_text)
    if start is None:
        return None
    try:
        span = duration_of(end_text)
        end = value_of(end_text) if span is None else start + span
    except OverflowError:
        return None
    return None if end is None else (seconds_of(start), seconds_of(end))


def time_text(moment: datetime) -> str:
    """A date and time as calendars write it, without its zone; the first eight digits are the date."""
    return f"{moment:%Y%m%dT%H%M%S}".rjust(15, "0")  # strftime gives early years fewer digits


def utc_text(seconds: int) -> str:
    """A moment as calendars write it in UTC; one before or after all years, which zones and durations of mails can
    give, is their first or last second.
    """
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        moment = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) if seconds > 0 else datetime(1, 1, 1, tzinfo=UTC)
    return f"{time_text(moment)}Z"
