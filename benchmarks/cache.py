"""What a cached prediction costs to keep and to find, beside computing it again and beside the naive way.

Inside one process, one client at a time, without HTTP; Redis over a socket of this machine. Rounds are interleaved.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from app_settings import load_settings
from benchmarks.cache_models import naive, ours
from benchmarks.cache_report import told
from benchmarks.documents import written_into
from benchmarks.services import chosen_services
from data.cache_entry import Entry, EntryFormat, Format
from data.memory_cache import MemoryCache
from data.redis_cache import RedisCache
from data.tiered_cache import Tier, TieredCache
from helpers.clock import SystemClock
from modeling.decorators.cache import Cached
from modeling.interface import MLModel
from tests.support.deployment import ROOT
from tests.support.shelf import Keeping

ROUNDS, CLIENTS, NAIVE_CLIENTS = 9, 200, 20
RESULT = Path(__file__).with_suffix(".json")
PAGE = ROOT / "docs" / "cache.md"
CLOCK = SystemClock()
LARGE = {"probability": 0.6312345678, "reasons": [{"feature": f"column_{n}", "effect": n / 7} for n in range(40)]}
ANSWERS: dict[str, dict[str, Any]] = {"ours": {"probability": 0.6312345678}, "with 40 reasons": LARGE}

Use = Callable[[Any], Any]
Case = Callable[[], tuple[Use, Sequence[Any]]]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="hf") as folder, chosen_services(Path(folder)) as chosen:
        redis = load_settings({"VAR_DIR": folder, **chosen}).redis_address()
        models, rows = ours(Path(folder))
        cases: dict[str, Case] = {"naive": lambda: (score, rows[:NAIVE_CLIENTS])}
        score = naive(Path(folder))
        for name, model in models.items():
            clients = [model.input_schema.model_validate(row) for row in rows]
            cases |= {f"{name}|{what}": case for what, case in _of_model(model, clients, redis).items()}
        cases |= _of_formats(redis)
        found = _measured(cases)
    result = {"load": round(os.getloadavg()[0], 1), "rounds": ROUNDS, **_sorted_out(found, list(models))}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(written_into(PAGE.read_text(encoding="utf-8"), "cache", told(result)), encoding="utf-8")
    print(told(result))
    print(f"\nwritten to {RESULT.relative_to(ROOT)} and {PAGE.relative_to(ROOT)}")


def _of_model(model: MLModel, clients: Sequence[BaseModel], redis: str) -> dict[str, Case]:
    """Each case begins anew in each round: with empty caches, or with such as hold every client."""

    def cached(*shared: Tier, seconds: float = 600.0) -> Cached:
        cache = TieredCache([MemoryCache(CLOCK), *shared], CLOCK, _uncounted)
        return Cached(model, cache, rules=lambda: Keeping(seconds))

    def in_memory() -> Use:
        warm = cached()
        warm.predict_many(clients)
        return warm.predict

    def on_redis() -> Use:
        shared = _shared(redis)
        cached(shared).predict_many(clients)
        return cached(shared).predict

    return {
        "scoring": lambda: (model.predict, clients),
        "cache off": lambda: (cached(seconds=0).predict, clients),
        "hit in memory": lambda: (in_memory(), clients),
        "miss in memory": lambda: (cached().predict, clients),
        "hit on Redis": lambda: (on_redis(), clients),
        "miss on Redis": lambda: (cached(_shared(redis)).predict, clients),
    }


def _of_formats(redis: str) -> dict[str, Case]:
    keys = [f"{number:064x}" for number in range(CLIENTS)]
    cases: dict[str, Case] = {}
    for answer, values in ANSWERS.items():
        for form in get_args(Format):
            cases[f"{answer}|{form}|write"] = lambda form=form, values=values: (  # type: ignore[misc]
                _keep(_shared(redis, form), values),
                keys,
            )
            cases[f"{answer}|{form}|read"] = lambda form=form, values=values: (  # type: ignore[misc]
                _find(_shared(redis, form), keys, values),
                keys,
            )
    return cases


def _keep(cache: RedisCache, values: Mapping[str, Any]) -> Use:
    return lambda key: cache.set_many({key: Entry(values, time.time() + 600)})


def _find(cache: RedisCache, keys: Sequence[str], values: Mapping[str, Any]) -> Use:
    cache.set_many({key: Entry(values, time.time() + 600) for key in keys})
    return lambda key: cache.get_many([key])


def _shared(redis: str, form: Format = "json") -> RedisCache:
    """Under a prefix of its own, so that it is empty."""
    prefix = f"{time.perf_counter_ns()}:"
    return RedisCache([redis], EntryFormat(form), prefix, CLOCK, count=_uncounted, on_failure=_raised)


def _measured(cases: Mapping[str, Case]) -> dict[str, float]:
    """Microseconds a call: the median of the rounds."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, case in cases.items():
            use, asked = case()
            use(asked[0])
            started = time.perf_counter()
            for one in asked[1:]:
                use(one)
            taken[name].append(1e6 * (time.perf_counter() - started) / (len(asked) - 1))
    return {name: round(statistics.median(each), 1) for name, each in taken.items()}


def _sorted_out(found: Mapping[str, float], models: Sequence[str]) -> dict[str, Any]:
    by_model = {
        name: {key.split("|")[1]: value for key, value in found.items() if key.startswith(f"{name}|")}
        for name in models
    }
    formats = [
        {
            "answer": answer,
            "format": form,
            "bytes": len(EntryFormat(form).write("0" * 64, Entry(values, time.time()))),
            "write": found[f"{answer}|{form}|write"],
            "read": found[f"{answer}|{form}|read"],
        }
        for answer, values in ANSWERS.items()
        for form in get_args(Format)
    ]
    return {"naive": found["naive"], "models": by_model, "formats": formats}


def _uncounted(_hits: int, _misses: int) -> None:
    pass


def _raised(error: Exception) -> None:
    raise SystemExit(f"Error: Redis does not answer: {error}")


if __name__ == "__main__":
    main()
