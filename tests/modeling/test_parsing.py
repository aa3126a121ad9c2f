"""Numbers and dates in the spellings of real tables."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.parsing import looks_like_date, parse_dates, parse_numbers

POINT = {
    "1": 1.0, "-1": -1.0, "+1": 1.0, "1.5": 1.5, ".5": 0.5, "1.": 1.0, "1,234": 1234.0, "1,234,567.8": 1234567.8,
    "1 234.5": 1234.5, "1’234": 1234.0, "1'234": 1234.0, "1\u00a0234": 1234.0, "1\u202f234": 1234.0, "1.234": 1.234,
    "$5": 5.0, "$ 1,234.50": 1234.5, "-$5.20": -5.2, "$-5.20": -5.2, "5 €": 5.0, "USD 5": 5.0, "5 kr": 5.0,
    "12%": 12.0, "12 %": 12.0, "−3": -3.0, "1e3": 1000.0, "1.5E-2": 0.015, "0": 0.0, "0.50": 0.5,
}  # fmt: skip
COMMA = {
    "1": 1.0, "1,5": 1.5, ",5": 0.5, "1.234": 1234.0, "1.234,56": 1234.56, "1.234.567": 1234567.0, "1 234,5": 1234.5,
    "-1.234,5 €": -1234.5, "12,5 %": 12.5, "CHF 1’234,5": 1234.5,
}  # fmt: skip
NOT_POINT = ["", "-", "a", "1a", "1,5", "1,23,4", "1.2.3", "1.234,5", "007", "00", "12-34", "0x1f", "1_000", "٣", "1 2"]
NOT_COMMA = ["", "1.5", "1,234.5", "1,2,3", "007", "1.23.4"]


@pytest.mark.parametrize("text", POINT)
def test_numbers_with_a_decimal_point(text: str) -> None:
    assert parse_numbers([text], comma=False) == [POINT[text]]


@pytest.mark.parametrize("text", COMMA)
def test_numbers_with_a_decimal_comma(text: str) -> None:
    assert parse_numbers([text], comma=True) == [COMMA[text]]


@pytest.mark.parametrize(("text", "comma"), [*((t, False) for t in NOT_POINT), *((t, True) for t in NOT_COMMA)])
def test_what_is_no_number_is_none(text: str, comma: bool) -> None:
    assert parse_numbers([text], comma=comma) == [None]


@pytest.mark.parametrize("comma", [True, False])
def test_text_too_long_for_a_number_is_none_however_much_of_it_is_blank(comma: bool) -> None:
    padded = "1" + " " * 131_000 + "%"  # the longest cell that is read: to search it took an hour
    assert parse_numbers([padded, "1" * 101], comma=comma) == [None, None]


@given(st.decimals(-(10**9), 10**9, places=2), st.booleans(), st.sampled_from(["", "€", "$", " %", " EUR"]))
def test_a_formatted_number_is_read_back(number: float, comma: bool, sign: str) -> None:
    grouped = f"{number:,.2f}"
    text = grouped.translate(str.maketrans(",.", ".,")) if comma else grouped
    assert parse_numbers([f"{text}{sign}"], comma=comma) == [float(number)]


DATES = {
    "2025-03-04": (2025, 3, 4), "2025/3/4": (2025, 3, 4), "2025-03-04T10:00:00Z": (2025, 3, 4),
    "2025-03-04 10:00:00.123+02:00": (2025, 3, 4), "4/3/2025": (2025, 3, 4), "04.03.2025": (2025, 3, 4),
    "04-03-2025 23:59": (2025, 3, 4), "4 Mar 2025": (2025, 3, 4), "04-March-2025": (2025, 3, 4),
    "Mar 4, 2025": (2025, 3, 4), "March 4 2025": (2025, 3, 4),
}  # fmt: skip


@pytest.mark.parametrize("text", DATES)
def test_dates(text: str) -> None:
    assert looks_like_date(text)
    assert parse_dates([text])[0] == [date(*DATES[text]).toordinal()]


@pytest.mark.parametrize("text", ["2025-02-30", "31/13/2025", "9999-12-31", "0001-01-01", "4 Foo 2025", "", "today"])
def test_impossible_dates_and_dates_that_mean_never_are_none(text: str) -> None:
    assert parse_dates([text])[0] == [None]


@pytest.mark.parametrize("text", ["", "2025", "1.5", "10:30", "03/04/25", "2025-03", "123-45-6789"])
def test_what_does_not_look_like_a_date(text: str) -> None:
    assert not looks_like_date(text)


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["3/4/2025", "25/4/2025"], "day/month/year"),
        (["3/4/2025", "3/25/2025"], "month/day/year"),
        (["1/3/2025", "1/4/2025"], "day/month/year"),  # the first of each month
        (["3/1/2025", "4/1/2025"], "month/day/year"),
        (["3/4/2025", "5/6/2025"], "day/month/year"),  # nothing tells
    ],
)
def test_whether_the_day_or_the_month_comes_first(texts: list[str], order: str) -> None:
    days, said = parse_dates(texts)
    assert said == order
    first, second, year = (int(part) for part in texts[0].split("/"))
    assert days[0] == (date(year, second, first) if order.startswith("day") else date(year, first, second)).toordinal()


@given(st.lists(st.dates(date(1901, 1, 1), date(2199, 1, 1)), min_size=30, max_size=60, unique=True))
def test_many_dates_are_read_back_whichever_part_comes_first(dates: list[date]) -> None:
    """Thirty different dates with a day after the twelfth leave no doubt."""
    certain = [*dates, date(2024, 3, 25)]
    for form in ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y %H:%M", "%Y-%m-%d"):
        assert parse_dates([day.strftime(form) for day in certain])[0] == [day.toordinal() for day in certain]
