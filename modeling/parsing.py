"""Numbers and dates out of text, in the spellings that tables use."""

import re
from collections.abc import Sequence
from datetime import date

CURRENCY = r"(?:R\$|[$€£¥₹₽₺₩]|USD|EUR|GBP|CHF|JPY|CAD|AUD|SEK|NOK|DKK|PLN|kr|zł)"
AROUND = re.compile(rf"^[+-]?{CURRENCY}|(?:{CURRENCY}|%)$", re.IGNORECASE)
LONGEST = 100  # characters of a number or date; what is longer is neither, and is not searched for one
LEADING_ZERO = re.compile(r"0[0-9]+")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
CLOCK = r"(?:[T ,]+[0-9]{1,2}:[0-9]{2}.*)?"
YEAR_FIRST = re.compile(rf"([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}}){CLOCK}")
YEAR_LAST = re.compile(rf"([0-9]{{1,2}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{4}}){CLOCK}")
DAY_NAMED = re.compile(rf"([0-9]{{1,2}})[- ]([a-z]{{3}})[a-z]*[-, ]+([0-9]{{4}}){CLOCK}", re.IGNORECASE)
NAMED_DAY = re.compile(rf"([a-z]{{3}})[a-z]*[- ]([0-9]{{1,2}})[-, ]+([0-9]{{4}}){CLOCK}", re.IGNORECASE)
NO_VALUE = {"", "null", "nan", "<na>", "#n/a", "\\n"}  # what programs write for a gap
NO_NUMBER = NO_VALUE | {
    "na",
    "n/a",
    "none",
    "nil",
    "unknown",
    "missing",
    "undefined",
    "inf",
    "-",
    "--",
    "?",
    ".",
}
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
OLDEST, NEWEST = date(1900, 1, 2).toordinal(), date(2199, 12, 31).toordinal()

Numbers = list[float | None]


def _number_pattern(decimal: str, grouping: str) -> re.Pattern[str]:
    whole = rf"(?:[0-9]{{1,3}}(?:[{grouping}\s'’][0-9]{{3}})+|[0-9]+|(?={decimal}[0-9]))"
    return re.compile(rf"[+-]?{whole}(?:{decimal}[0-9]*)?(?:[eE][+-]?[0-9]+)?")


DECIMAL_POINT = _number_pattern(r"\.", ",")
DECIMAL_COMMA = _number_pattern(",", r"\.")


def tidied(text: str) -> str:
    """Trimmed and on one line."""
    return CONTROL.sub(" ", text).strip()


def parse_numbers(texts: Sequence[str], *, comma: bool) -> Numbers:
    """The numbers, None where a text is none; `comma` says that decimals follow a comma.

    Currency and percent signs around a number and thousands separators inside it are left out: "12 %" is 12.
    Whole numbers with leading zeros are codes, not numbers.
    """
    return [parse_number(text, comma) for text in texts]


def parse_number(text: str, comma: bool) -> float | None:
    """One number; see `parse_numbers`."""
    if len(text) > LONGEST:
        return None
    bare = text if text.isascii() and text[-1:].isdigit() and text[:1].isdigit() else _bare(text)
    if not (DECIMAL_COMMA if comma else DECIMAL_POINT).fullmatch(bare) or LEADING_ZERO.fullmatch(bare):
        return None
    plain = bare.replace(".", "").replace(",", ".") if comma else bare.replace(",", "")
    return float(re.sub(r"[\s'’]", "", plain))


def _bare(text: str) -> str:
    """Without currency and percent signs; a true minus sign becomes a hyphen."""
    plain = text.replace("−", "-").strip()
    sign = "-" if plain.startswith("-") and AROUND.match(plain) else ""
    return sign + AROUND.sub("", plain).strip()


def looks_like_date(text: str) -> bool:
    """Whether the text has the form of a date, or of a date with a time."""
    return _parts(text, day_first=True) is not None


def parse_dates(texts: Sequence[str]) -> tuple[list[int | None], str]:
    """Each date as its ordinal (`date.toordinal`), None where a text is none, and how it was read.

    Years before 1900 or after 2199 stand for "never" in customer tables: None. Where neither the day nor the
    month can be told by size, the part that never changes is the day, else the day is taken to come first.
    """
    day_first = day_comes_first(texts)
    days = [parse_day(text, day_first) for text in texts]
    numeric = any(YEAR_LAST.fullmatch(text) for text in texts)
    return days, "" if not numeric else "day/month/year" if day_first else "month/day/year"


def day_comes_first(texts: Sequence[str]) -> bool:
    """Whether 3/4/2026 is in April, as far as these dates of one column tell."""
    parts = [match for match in map(YEAR_LAST.fullmatch, texts) if match]
    first, second = {int(m[1]) for m in parts}, {int(m[2]) for m in parts}
    if max(first, default=0) > 12 or max(second, default=0) > 12:
        return max(first) > 12
    return not (len(second) == 1 and len(first) > 1)


def parse_day(text: str, day_first: bool) -> int | None:
    """The ordinal of one date; see `parse_dates`."""
    parts = _parts(text, day_first)
    if parts is None:
        return None
    try:
        ordinal = date(*parts).toordinal()
    except ValueError:
        return None
    return ordinal if OLDEST <= ordinal <= NEWEST else None


def _parts(text: str, day_first: bool) -> tuple[int, int, int] | None:
    """Year, month and day as written, whether or not there is such a day."""
    if match := YEAR_FIRST.fullmatch(text):
        return int(match[1]), int(match[2]), int(match[3])
    if match := YEAR_LAST.fullmatch(text):
        day, month = (match[1], match[2]) if day_first else (match[2], match[1])
        return int(match[3]), int(month), int(day)
    if match := DAY_NAMED.fullmatch(text):
        return int(match[3]), _month(match[2]), int(match[1])
    if match := NAMED_DAY.fullmatch(text):
        return int(match[3]), _month(match[1]), int(match[2])
    return None


def _month(name: str) -> int:
    return MONTHS.index(name.lower()) + 1 if name.lower() in MONTHS else 0
