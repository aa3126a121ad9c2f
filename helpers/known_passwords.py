"""Passwords that guessers try first, checked without asking anybody.

The list holds those of at least 12 characters among the million most common in breaches, and the most common 10,000
from 6 characters on, which people lengthen with digits. Source: SecLists, 10-million-password-list-top-1000000.
"""

import gzip
import re
from functools import cache
from pathlib import Path

LIST = Path(__file__).with_name("known_passwords.txt.gz")
FEW = 8  # characters around a known word that do not make a password of it
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_REPEATED = re.compile(r"(.+?)\1+")
_AS_LETTERS = str.maketrans("@4310$5!7", "aaeiossit")


def is_known(password: str) -> bool:
    """Whether guessers try it early: it was in a breach, or is little more than a word that was."""
    folded = password.casefold()
    return folded in _known() or any(word in _known() and _adds_little(folded, word) for word in _words(folded))


def holds_little_more_than(password: str, word: str) -> bool:
    """Whether `word` is in the password, in any case, with few characters around it."""
    folded, sought = password.casefold(), word.casefold()
    return bool(sought) and sought in folded and len(folded) - len(sought) < FEW


def repeated_part(password: str) -> str:
    """The shortest part that the whole password repeats; the password itself when there is none."""
    found = _REPEATED.fullmatch(password.casefold())
    return found.group(1) if found else password


def _words(folded: str) -> set[str]:
    """What is left without the digits and signs at both ends, also with the signs inside read as letters."""
    bare = _AROUND.sub("", folded)
    return {bare, bare.translate(_AS_LETTERS)} - {""}


def _adds_little(folded: str, word: str) -> bool:
    return len(folded) - len(word) < FEW


@cache
def _known() -> frozenset[str]:
    return frozenset(gzip.decompress(LIST.read_bytes()).decode().split("\n"))
