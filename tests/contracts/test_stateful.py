"""Changes of the configuration, predictions and outcomes may come in any order: the service keeps to a simple model."""

import itertools
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from redis import Redis
from sqlalchemy import text
from werkzeug.test import TestResponse

from services.config.model import LiveConfig
from tests.support.deployment import TOKEN, insert_config
from tests.support.long_form import LONG, cases
from tests.support.models import Trained
from tests.support.stack import application, configure

pytestmark = pytest.mark.promise("P23")
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "proba_cutoff": st.integers(1, 99).map(lambda percent: percent / 100),
    "holdout_percentage": st.sampled_from([0.0, 0.5, 20.0, 50.0]),
    "call_list_capacity": st.integers(1, 100_000),
    "maturity_days": st.integers(1, 3_650),
}
BAD: dict[str, st.SearchStrategy[Any]] = {
    "proba_cutoff": st.sampled_from([0, 1, -0.5, 7, "soon", None, [], "0.5x"]),
    "holdout_percentage": st.sampled_from([-1, 50.5, "half"]),
    "call_list_capacity": st.sampled_from([0, 1.5, 10**6, "many"]),
    "aliases": st.sampled_from([{"champion": "absent@1"}, {"champion": "additive"}, '{"champion": ', []]),
    "experiment": st.sampled_from([{"name": "a", "salt": "a", "arms": {"champion": 0.7, "challenger": 0.7}}, 1]),
    "no_such_key": st.just(1),
}
DEFAULTS = LiveConfig().model_dump()
DAYS = st.integers(1, 28).map(lambda day: f"2026-10-{day:02}")
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, trained: Trained, embedded_redis_url: str) -> Iterator[APIFlask]:
    with Redis.from_url(embedded_redis_url) as redis:
        redis.flushall()
    with application(tmp_path_factory.mktemp("stateful"), trained, embedded_redis_url) as made:
        configure(made, aliases=trained.aliases, watch_minutes="0")
        yield made


class Service(RuleBasedStateMachine):
    """`values` in force, keys whose newest row is `refused`, and the outcomes that were told: what all must come to."""

    app: APIFlask
    customer: dict[str, Any]
    start: dict[str, Any]
    predictions = Bundle("predictions")

    def __init__(self) -> None:
        super().__init__()
        self.client: FlaskClient = self.app.test_client()
        self.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
        insert_config(self.app.extensions["holdfast"].engine, **self.start)
        assert self.client.get("/config-refresh").get_json()["problem"] is None
        self.values = {key: self.in_force()[key] for key in GOOD}
        self.before = self.rows()
        self.told: set[str] = set()
        self.refused: set[str] = set()

    @rule(key=st.sampled_from(sorted(GOOD)), data=st.data(), dry=st.booleans())
    def change(self, key: str, data: st.DataObject, dry: bool) -> None:
        value = data.draw(GOOD[key])
        done = self.post("/v1/config", {"values": {key: value}, "reason": "a test", "dry_run": dry})
        assert done.status_code == 200, done.text
        if not dry:
            same = value == self.values[key] and key not in self.refused
            assert done.get_json()["state"] == ("unchanged" if same else "kept"), done.text
            self.settle(key, value)

    @rule(key=st.sampled_from(sorted(BAD)), beside=st.sampled_from(sorted(GOOD)), data=st.data(), dry=st.booleans())
    def change_badly(self, key: str, beside: str, data: st.DataObject, dry: bool) -> None:
        values = {beside: data.draw(GOOD[beside]), key: data.draw(BAD[key])}
        refused = self.post("/v1/config", {"values": values, "reason": "a test", "dry_run": dry})
        assert refused.status_code == 422, refused.text
        assert refused.get_json()["field"] == f"values.{key}"

    @rule(key=st.sampled_from(sorted(GOOD)), data=st.data())
    def type_sql(self, key: str, data: st.DataObject) -> None:
        value = data.draw(GOOD[key])
        insert_config(self.app.extensions["holdfast"].engine, **{key: value})
        assert f"({key})" not in (self.client.get("/config-refresh").get_json()["problem"] or "")
        self.settle(key, value)

    @rule(key=st.sampled_from(sorted(set(BAD) - {"no_such_key"})), data=st.data())
    def type_sql_badly(self, key: str, data: st.DataObject) -> None:
        insert_config(self.app.extensions["holdfast"].engine, **{key: data.draw(BAD[key])})
        assert self.client.get("/config-refresh").get_json()["problem"]
        self.refused.add(key)

    @rule(target=predictions)
    def predict(self) -> Any:
        client_id = f"client {next(NUMBERS)}"
        answer = self.post("/predict", {"client_id": client_id, **self.customer}).get_json()
        assert answer["recent_times_id_seen"] == 0
        if answer["arm"] == "holdout":
            assert self.values["holdout_percentage"] > 0
            assert (answer["prediction"], answer["high_risk"]) == (None, None)
        else:
            assert answer["high_risk"] == ("yes" if answer["prediction"] >= self.values["proba_cutoff"] else "no")
        return multiple((client_id, answer["prediction_id"]))

    @rule(prediction=predictions, churned=st.booleans(), day=DAYS, how=st.sampled_from(["client", "id", "both"]))
    def tell(self, prediction: tuple[str, str], churned: bool, day: str, how: str) -> None:
        assert self.app.extensions["holdfast"].shipper.flush(10)
        named = {"client_id": prediction[0], "prediction_id": prediction[1]}
        del_one = {"client": "prediction_id", "id": "client_id"}.get(how)
        report = {name: value for name, value in named.items() if name != del_one}
        self.keep({**report, "churned": churned, "observed_at": day}, "recorded")

    @rule(number=st.integers(0, 3), churned=st.booleans(), day=DAYS)
    def tell_too_early(self, number: int, churned: bool, day: str) -> None:
        report = {"prediction_id": str(UUID(int=number)), "churned": churned, "observed_at": day}
        told = self.post("/outcomes", report).get_json()
        assert told["status"] in ("waiting", "known")
        if told["status"] == "waiting":
            self.told.add(told["outcome_id"])

    @rule(prediction=predictions, day=DAYS)
    def tell_of_another(self, prediction: tuple[str, str], day: str) -> None:
        assert self.app.extensions["holdfast"].shipper.flush(10)
        report = {"client_id": "somebody else", "prediction_id": prediction[1], "churned": True, "observed_at": day}
        refused = self.post("/outcomes", report)
        assert (refused.status_code, refused.get_json()["field"]) == (422, "client_id")

    @invariant()
    def what_is_in_force_is_what_was_set(self) -> None:
        found = self.in_force()
        assert {key: found[key] for key in GOOD} == self.values

    @invariant()
    def what_was_told_is_kept_once(self) -> None:
        assert self.rows() - self.before == self.told

    def settle(self, key: str, value: Any) -> None:
        self.values[key] = value
        self.refused.discard(key)

    def keep(self, report: dict[str, Any], fresh: str) -> None:
        told = self.post("/outcomes", [report, report]).get_json()["results"]
        known = told[0]["outcome_id"] in self.told
        assert [each["status"] for each in told] == ["known" if known else fresh, "known"]
        self.told.add(told[0]["outcome_id"])

    def post(self, path: str, body: Any) -> TestResponse:
        return self.client.post(path, json=body)

    def in_force(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/v1/config").get_json()["values"]
        return found

    def rows(self) -> set[str]:
        with self.app.extensions["holdfast"].engine.connect() as connection:
            return set(connection.execute(text("select outcome_id from outcomes")).scalars())


def test_the_service_keeps_to_the_model(app: APIFlask, trained: Trained, customer: dict[str, Any]) -> None:
    Service.app, Service.customer = app, customer
    Service.start = {**{key: DEFAULTS[key] for key in (*GOOD, "experiment")}, "aliases": trained.aliases}
    how = settings(
        max_examples=cases(quick=10, long=40),
        stateful_step_count=cases(quick=12, long=30),
        derandomize=not LONG,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Service, settings=how)
