"""Whatever is sent to the API, it answers as its own description says: no surprise, no bad request let through."""

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from redis import Redis
from schemathesis import GenerationMode

from tests.support.fuzzing import RIGHT, Served, check_with_token, draw, read
from tests.support.long_form import drawn_cases
from tests.support.models import Trained
from tests.support.stack import application, configure
from tests.support.trials import STATES, fill_trials

pytestmark = pytest.mark.promise("P23")
Recorder = Callable[[str, object], None]
UNBREAKABLE = (
    "health",
    "ready",
    "startup",
    "metadata",
    "openapi",
    "metrics",
    "config_values",
    "experiments",
    "experiment_readout",
    "config_refresh",
)
"""Whatever can be sent to them fits their schema."""
BREAKABLE = (
    "predict",
    "predict_v1",
    "predict_batch",
    "outcomes",
    "actions",
    "assignment",
    "call_list",
    "config_history",
    "config_change",
    "config_refresh_post",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, trained: Trained, embedded_redis_url: str) -> Iterator[Served]:
    with Redis.from_url(embedded_redis_url) as redis:
        redis.flushall()
    with application(tmp_path_factory.mktemp("fuzzed"), trained, embedded_redis_url) as app:
        configure(app, aliases=trained.aliases)
        fill_trials(app)
        yield read(app)


def test_every_operation_is_tried(served: Served) -> None:
    assert set(served.operations()) == {*UNBREAKABLE, *BREAKABLE}


@pytest.mark.parametrize("name", [*UNBREAKABLE, *BREAKABLE])
def test_at_every_edge_of_its_schema(served: Served, name: str) -> None:
    for case in served.edges(name):
        check_with_token(case, {})


@pytest.mark.parametrize("name", [*UNBREAKABLE, *BREAKABLE])
def test_whatever_fits_its_schema(served: Served, name: str, record_property: Recorder) -> None:
    most = drawn_cases(quick=10, long=1_000 if name in BREAKABLE else 2_000)
    record_property("drawn", draw(served.operations()[name], GenerationMode.POSITIVE, most))


@pytest.mark.parametrize("name", BREAKABLE)
def test_whatever_breaks_its_schema(served: Served, name: str, record_property: Recorder) -> None:
    most = drawn_cases(quick=10, long=1_000)
    record_property("drawn", draw(served.operations()[name], GenerationMode.NEGATIVE, most))


@pytest.mark.parametrize("name", STATES)
def test_what_an_experiment_has_shown(served: Served, name: str) -> None:
    case = served.operations()["experiment_readout"].Case(path_parameters={"name": quote(name)})
    assert case.call_and_validate(headers=RIGHT).status_code == 200
