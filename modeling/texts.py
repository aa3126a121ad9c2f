"""Which text can be learned from: categories that repeat; not names, addresses or prose."""

import re
from math import ceil

import numpy as np

from modeling.columns import Column
from modeling.words import PERSON, words_of

LEAST_ROWS = 10  # of a category, to be learned; rarer ones are 'other'
LEAST_SHARE = 0.002
MOST_CATEGORIES = 100
FEW_VALUES = 30
COVERED = 0.5  # the share of filled rows that frequent categories must cover when there are many values
SAMPLE = 500
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PHONE = re.compile(r"[+(]?[0-9][0-9 ()/.-]{5,}[0-9]")


def frequent(column: Column) -> list[int]:
    """The places of the labels that occur often enough to be learned, most frequent first."""
    counts = column.counts()
    floor = max(LEAST_ROWS, ceil(LEAST_SHARE * len(column.cells)))
    order = np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]
    return [int(place) for place in order if counts[place] >= floor]


def text_reason(column: Column) -> str | None:
    """Why a text column cannot be learned from; None when it can, and for columns that are no text."""
    if column.kind != "category" or not column.labels:
        return None
    covered = column.counts()[frequent(column)].sum() / max(1, (~column.gaps).sum())
    if covered >= COVERED or (covered > 0 and column.distinct() <= FEW_VALUES):
        return None
    form = _form(column)
    return f"{form}: {column.distinct():,} different values, and {covered:.0%} of the rows hold a frequent one"


def _form(column: Column) -> str:
    texts = column.labels[:SAMPLE]
    if _share(texts, EMAIL) > 0.8:
        return "email addresses"
    if _share(texts, PHONE) > 0.8:
        return "telephone or account numbers"
    if words_of(column.name) & PERSON:
        return "names"
    if np.mean([len(text.split()) for text in texts]) > 4:
        return "free text"
    return "id-like" if column.distinct() > 0.9 * len(column.cells) else "text with too many values"


def _share(texts: tuple[str, ...], form: re.Pattern[str]) -> float:
    return sum(form.fullmatch(text) is not None for text in texts) / len(texts)
