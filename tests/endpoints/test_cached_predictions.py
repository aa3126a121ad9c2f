"""A prediction is remembered when that is asked for, by all processes where they share a Redis."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from apiflask import APIFlask
from redis import Redis

from tests.support.asking import ask, ask_many
from tests.support.cache_nodes import far
from tests.support.models import Trained
from tests.support.stack import application, configure


@pytest.fixture
def fleet(
    tmp_path: Path, trained: Trained, embedded_redis_url: str, redis_url: str, redis_client: Redis
) -> Iterator[list[APIFlask]]:
    """Two processes' worth of the application, with their predictions on one Redis and caching on."""
    with ExitStack() as stack:
        apps = []
        for name in ("one", "other"):
            made = application(
                tmp_path / name, trained, embedded_redis_url, CACHE_REDIS_URLS=redis_url, CACHE_PREFIX="mine:"
            )
            apps.append(stack.enter_context(made))
        for app in apps:
            configure(app, aliases=trained.aliases, cache_ttl_seconds="60")
        yield apps


def lookups(app: APIFlask, cache: str = "predictions") -> tuple[int, int]:
    """Hits and misses."""
    counter = app.extensions["holdfast"].metrics.cache_lookups
    samples = [sample for family in counter.collect() for sample in family.samples if sample.name.endswith("_total")]
    found = {sample.labels["result"]: int(sample.value) for sample in samples if sample.labels["cache"] == cache}
    return found.get("hit", 0), found.get("miss", 0)


def test_nothing_is_cached_unless_that_is_asked_for(app: APIFlask, trained: Trained) -> None:
    for _ in range(2):
        ask(app, **trained.rows[0], client_id="c")
    assert lookups(app) == (0, 0)


def test_the_second_answer_comes_from_memory_and_another_process_has_it_from_redis(
    fleet: list[APIFlask], trained: Trained, redis_client: Redis
) -> None:
    one, other = fleet
    answers = [ask(app, **trained.rows[0], client_id="c") for app in (one, one, other, other)]
    assert len({answer["prediction"] for answer in answers}) == 1
    assert len({answer["prediction_id"] for answer in answers}) == 4
    assert (lookups(one), lookups(one, "predictions_redis")) == ((1, 1), (0, 1))
    assert (lookups(other), lookups(other, "predictions_redis")) == ((2, 0), (1, 0))
    (name,) = redis_client.keys()
    assert str(name).startswith("b'mine:")
    assert 0 < redis_client.ttl(name) <= 60


def test_a_batch_mixes_what_is_known_and_what_is_not(fleet: list[APIFlask], trained: Trained) -> None:
    one, other = fleet
    rows = [{**row, "client_id": f"c{place}"} for place, row in enumerate(trained.rows[:20])]
    ask_many(one, rows[:10])
    together, apart = ask_many(other, rows), [ask(one, **row) for row in rows]
    assert [each["prediction"] for each in together] == [each["prediction"] for each in apart]
    assert lookups(other, "predictions_redis") == (10, 10)


def test_what_somebody_else_wrote_is_a_miss_and_is_overwritten(
    fleet: list[APIFlask], trained: Trained, redis_client: Redis
) -> None:
    one, other = fleet
    answer = ask(one, **trained.rows[0], client_id="c")
    (name,) = redis_client.keys()
    written = redis_client.get(name)
    redis_client.set(name, b'{"probability":0.999}')
    assert ask(other, **trained.rows[0], client_id="c")["prediction"] == answer["prediction"]
    assert lookups(other) == (0, 1)
    assert len(redis_client.get(name) or b"") == len(written or b"")


def test_a_shared_cache_that_hangs_changes_no_answer(
    tmp_path: Path, trained: Trained, embedded_redis_url: str, redis_client: Redis
) -> None:
    with ExitStack() as stack:
        proxy, address = stack.enter_context(far(redis_client))
        made = application(tmp_path, trained, embedded_redis_url, CACHE_REDIS_URLS=address)
        app = stack.enter_context(made)
        configure(app, aliases=trained.aliases)
        plain = [ask(app, **row, client_id="c")["prediction"] for row in trained.rows[:5]]
        configure(app, cache_ttl_seconds="60")
        ask(app, **trained.rows[0], client_id="c")
        proxy.become("hang")
        again = [ask(app, **row, client_id="c") for row in trained.rows[:5]]
    assert [answer["prediction"] for answer in again] == plain
    assert lookups(app) == (1, 5)
    assert max(answer["response_time"] for answer in again) < 0.25
