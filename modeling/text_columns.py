"""Concludes from text what it stands for: numbers, dates, true and false, or categories."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modeling.columns import Column, number_column
from modeling.encoding import fold
from modeling.parsing import NO_NUMBER, NO_VALUE, Numbers, looks_like_date, parse_dates, parse_numbers, tidied

ENOUGH = 0.98  # the share of filled cells that must be numbers (or dates) for the rest to be slips
ENOUGH_DISTINCT = 20  # fewer different numbers than this, and an odd text among them is a category

Slots = npt.NDArray[np.int64]


def distinct_texts(cells: pa.ChunkedArray) -> tuple[list[str], Slots]:
    """The different texts, trimmed and on one line, and which of them each row holds; null is empty text."""
    filled = pc.fill_null(cells.cast(pa.large_string()), pa.scalar("", pa.large_string()))
    encoded = filled.combine_chunks().dictionary_encode()
    spelled = [tidied(text) for text in encoded.dictionary.to_pylist()]
    places: dict[str, int] = {}
    slots = np.array([places.setdefault(text, len(places)) for text in spelled], dtype=np.int64)
    return list(places), slots[encoded.indices.to_numpy(zero_copy_only=False)]


def infer_text(name: str, texts: list[str], slots: Slots, *, comma: bool = False) -> Column:
    """A column of text: numbers kept as text, dates, true/false, or categories."""
    counts = np.bincount(slots, minlength=len(texts))
    return (
        _as_boolean(name, texts, slots)
        or _as_numbers(name, texts, slots, counts, comma)
        or _as_dates(name, texts, slots, counts)
        or _as_categories(name, texts, slots, counts)
    )


def _as_boolean(name: str, texts: list[str], slots: Slots) -> Column | None:
    known = {"true": 1.0, "false": 0.0}
    lowered = {text.lower() for text in texts}
    if lowered.isdisjoint(known) or not lowered <= known.keys() | NO_VALUE:
        return None
    return Column(name, "boolean", np.array([known.get(text.lower(), np.nan) for text in texts])[slots])


def _as_numbers(name: str, texts: list[str], slots: Slots, counts: Slots, comma: bool) -> Column | None:
    readings = {style: parse_numbers(texts, comma=style) for style in (False, True)}
    parsed = {style: _parsed(readings[style], counts) for style in readings}
    style = comma if parsed[False] == parsed[True] else parsed[True] > parsed[False]
    slips = _slips(texts, readings[style], counts)
    if slips is None:
        return None
    note = ", ".join(_number_notes(texts, style and readings[True] != readings[False], slips))
    column = number_column(name, np.array(readings[style], dtype=np.float64)[slots], note)
    return replace(column, comma=parsed[True] > parsed[False])


def _parsed(numbers: Numbers, counts: Slots) -> int:
    return int(sum(count for number, count in zip(numbers, counts, strict=True) if number is not None))


def _slips(texts: list[str], numbers: Numbers, counts: Slots) -> Counter[str] | None:
    """The texts that are no numbers, with their rows; None when they are too many for slips."""
    odd = Counter({t: int(c) for t, n, c in zip(texts, numbers, counts, strict=True) if n is None})
    wrong = sum(count for text, count in odd.items() if text.lower() not in NO_NUMBER)
    right = _parsed(numbers, counts)
    few = sum(number is not None for number in numbers) < ENOUGH_DISTINCT
    return None if not right or right < ENOUGH * (right + wrong) or (wrong and few) else odd


def _number_notes(texts: list[str], comma: bool, slips: Counter[str]) -> list[str]:
    notes = ["decimals after a comma"] if comma else []
    notes += [f"{sign} left out" for sign in ("%", "$", "€", "£") if any(sign in text for text in texts)]
    return notes + [f"{_shown(text)} in {count:,} rows is a gap" for text, count in slips.most_common(3)]


def _shown(text: str) -> str:
    return f"{text!r}" if text else "a blank"


def _as_dates(name: str, texts: list[str], slots: Slots, counts: Slots) -> Column | None:
    filled = np.array([text.lower() not in NO_NUMBER for text in texts])
    dated = np.array([looks_like_date(text) for text in texts])
    if not dated.any() or counts[dated].sum() < ENOUGH * counts[filled | dated].sum():
        return None
    days, form = parse_dates(texts)
    gaps = int(counts[[day is None for day in days]].sum())
    notes = ([f"written {form}"] if form else []) + ([f"no date in {gaps:,} rows is a gap"] if gaps else [])
    return Column(name, "date", np.array(days, dtype=np.float64)[slots], note=", ".join(notes))


def _as_categories(name: str, texts: list[str], slots: Slots, counts: Slots) -> Column:
    """One label for spellings that differ in case and white space alone: the most frequent of them."""
    labels: dict[str, int] = {}
    spelled: list[str] = []
    places = np.full(len(texts), np.nan)
    for position in np.argsort(-counts, kind="stable").tolist():
        if texts[position].lower() not in NO_VALUE:
            key = fold(texts[position])
            if key not in labels:
                labels[key] = len(spelled)
                spelled.append(texts[position])
            places[position] = labels[key]
    return Column(name, "category", places[slots], tuple(spelled), note=_merged(texts, spelled))


def _merged(texts: Sequence[str], spelled: Sequence[str]) -> str:
    """Which spellings were taken for one."""
    kept = {fold(text): text for text in spelled}
    merged = [f"{text!r} = {kept[fold(text)]!r}" for text in texts if kept.get(fold(text), text) != text]
    return ", ".join(merged[:3])
