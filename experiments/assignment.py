"""Which arm a client is in: a pure function of salt, client and shares.

Weighted rendezvous hashing (Thaler & Ravishankar 1998; the weighted form by Schindelhauer &
Schomaker 2005): every arm draws a uniform number u from the digest of (salt, client, arm) and scores
-share / ln(u); the highest score wins. An arm's score depends on its own share alone, so raising one
share can only move clients into that arm, and nobody moves between two others.
"""

import hashlib
import math
from collections.abc import Mapping
from functools import lru_cache
from struct import Struct

_TWO_64 = 2**64
_LENGTH = Struct(">I")
_DRAWN = Struct(">Q")


def assign(salt: str, client_id: str, arms: Mapping[str, float]) -> str:
    """The client's arm. `arms` maps an arm to its share (0 to 1, at least one above 0).

    Raises ValueError when no arm has a share.
    """
    drawn_for = _framed_name(salt) + _framed(client_id)
    chosen, highest = "", -1.0
    for arm, share in arms.items():
        if share > 0:
            score = share / -math.log(_uniform(drawn_for + _framed_name(arm)))
            if score > highest or (score == highest and arm < chosen):  # of equals the first by name
                chosen, highest = arm, score
    if highest < 0:
        raise ValueError("no arm has a share")
    return chosen


def in_holdout(salt: str, client_id: str, percentage: float) -> bool:
    """Whether the client is one of the `percentage` (0 to 100) who are never treated."""
    return _uniform(_framed_name(salt) + _framed(client_id) + _framed_name("holdout")) * 100 < percentage


def _framed(part: str) -> bytes:
    """Preceded by its length, so that ("a", "bc") and ("ab", "c") differ."""
    encoded = part.encode()
    return _LENGTH.pack(len(encoded)) + encoded


_framed_name = lru_cache(maxsize=256)(_framed)  # salts and arms: the same few for every client


def _uniform(text: bytes) -> float:
    """A number in (0, 1) drawn from the text."""
    drawn: int = _DRAWN.unpack_from(hashlib.sha256(text).digest())[0]
    return (drawn + 0.5) / _TWO_64
