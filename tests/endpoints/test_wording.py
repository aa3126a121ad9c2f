"""How values read on a page."""

import math

import pytest

from endpoints.wording import effect_words, label, money, percent, times_seen, value_words


@pytest.mark.parametrize(
    ("probability", "text"), [(0.6312, "63.1%"), (0.5, "50%"), (0.0004, "0%"), (0.0006, "0.1%"), (1.0, "100%")]
)
def test_percent(probability: float, text: str) -> None:
    assert percent(probability) == text


@pytest.mark.parametrize(
    ("amount", "text"), [(1420.5, "1,420"), (896.62, "897"), (4.2, "4.20"), (0.0, "0.00"), (-1420.5, "-1,420")]
)
def test_money(amount: float, text: str) -> None:
    assert money(amount) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MonthlyCharges", "Monthly charges"),
        ("tenure", "Tenure"),
        ("StreamingTV", "Streaming TV"),
        ("monthly_charges_usd", "Monthly charges usd"),
        ("contract type", "Contract type"),
        ("HTTPErrors", "HTTP errors"),
        ("x", "X"),
        ("___", "___"),
        ("größe", "Größe"),
    ],
)
def test_a_column_reads_like_words(name: str, text: str) -> None:
    assert label(name) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (True, "yes"),
        (False, "no"),
        (2.0, "2"),
        (70.35, "70.35"),
        (1234.5, "1,234.5"),
        (12345678.9, "12,345,679"),
        ("Month-to-month", "Month-to-month"),
        ("", "blank"),
        (" ", "blank"),
    ],
)
def test_a_value_reads_like_words(value: object, text: str) -> None:
    assert value_words(value) == text


@pytest.mark.parametrize(
    ("effect", "text"),
    [
        (math.log(2), "raises ×2"),
        (-math.log(2), "lowers ÷2"),
        (math.log(1.5), "raises ×1.5"),
        (0.01, "hardly any"),
        (0.0, "hardly any"),
        (9.0, "raises ×100+"),
        (-1e9, "lowers ÷100+"),
    ],
)
def test_an_effect_says_what_it_does_to_the_odds(effect: float, text: str) -> None:
    assert effect_words(effect) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "Seen before: unknown"),
        (0, "First time seen"),
        (1, "Seen once before"),
        (1200, "Seen 1,200 times before"),
    ],
)
def test_times_seen(count: int | None, text: str) -> None:
    assert times_seen(count) == text
