"""One of several processes that remember answers for the same inputs, each with a hash seed of its own.

`python -m tests.support.swapping REDIS_URL PAIRS PLACE PLACES` keeps its part of the answers and says `ready`; once its
input ends, it looks for those of all, and prints how many of them were the model's own without the model being asked.
"""

import hashlib
import math
import random
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from data.tiered_cache import TieredCache
from helpers.clock import SystemClock
from modeling.decorators.cache import Cached
from modeling.interface import Contribution, MLModel, Prediction
from tests.support.cache_nodes import Counts, redis_cache
from tests.support.shelf import Keeping

BATCH = 1_000


class Sides(BaseModel):
    left: Any
    right: Any


class Fingerprint(MLModel):
    """An answer of its own for each input; `asked` counts."""

    qualified_name, display_name, description, version = "fingerprint", "Fingerprint", "", "1"
    deterministic = True
    input_schema: type[BaseModel] = Sides
    output_schema: type[BaseModel] = Prediction

    def __init__(self) -> None:
        self.asked = 0

    def predict(self, data: BaseModel) -> Prediction:
        self.asked += 1
        return answer(data)

    def predict_many(self, data: Sequence[BaseModel]) -> list[Any]:
        return [self.predict(one) for one in data]

    def explain(self, data: BaseModel) -> tuple[Contribution, ...]:
        return ()


def answer(data: BaseModel) -> Prediction:
    print_of = hashlib.sha256(repr(data).encode()).digest()
    return Prediction(probability=int.from_bytes(print_of[:6], "big") / 2**48)


def inputs(pairs: int) -> Iterator[Sides]:
    """Each pair one way round, and the other: fractions, neighbouring fractions, texts, a number and its digits."""
    draw = random.Random(5)
    for _ in range(pairs):
        number, other = draw.uniform(-1e6, 1e6), draw.uniform(-1e6, 1e6)
        whole = draw.randrange(2**60)
        one = draw.choice(
            [(number, other), (number, math.nextafter(number, 1e9)), (f"{whole:x}", f"{number}"), (whole, str(whole))]
        )
        yield Sides(left=one[0], right=one[1])
        yield Sides(left=one[1], right=one[0])


def batches(pairs: int) -> Iterator[list[Sides]]:
    held: list[Sides] = []
    for one in inputs(pairs):
        held.append(one)
        if len(held) == BATCH:
            yield held
            held = []
    yield held


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(url: str, pairs: int, place: int, places: int) -> None:
    model, clock = Fingerprint(), SystemClock()
    cached = Cached(model, TieredCache([redis_cache([url])], clock, Counts()), rules=lambda: Keeping(600.0))
    for batch in batches(pairs):
        cached.predict_many(batch[place::places])
    say("ready")
    sys.stdin.read()
    model.asked = own = 0
    for batch in batches(pairs):
        own += sum(found == answer(one) for one, found in zip(batch, cached.predict_many(batch), strict=True))
    say(str(own - model.asked))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
