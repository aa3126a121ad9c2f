"""A training from table to tables: folders, records, customers, lifetime values and what goes into service."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, select

from data import audit_log, config_store, feature_store, model_store
from data.tables import churn_data, client_ltv
from helpers.errors import UserError
from modeling.choices import Choices
from modeling.plan import QUICK
from modeling.registry import ModelRegistry
from services.config.reading import read_config
from services.promotion import aliases_in_force, roles
from services.training import TrainingRequest, run_training
from services.training_report import TrainingReport
from tests.modeling.tables import customers, write_csv
from tests.support.clock import StandingClock
from tests.support.deployment import insert_config

PLAN = replace(QUICK, algorithms=("additive", "gradient_boosting", "heuristic"), plots=False)
Run = Callable[..., TrainingReport]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "people.csv", customers(500))


@pytest.fixture
def run(engine: Engine, tmp_path: Path, table: Path) -> Run:
    """Trains on a table of 500, unless the test says otherwise."""

    def run(source: Path = table, announce: Callable[[], object] = lambda: None, **request: object) -> TrainingReport:
        asked = TrainingRequest(source=str(source), plan=PLAN, **request)  # type: ignore[arg-type]
        return run_training(
            asked, engine=engine, models_dir=tmp_path / "models", clock=StandingClock(), announce=announce
        )

    return run


def rows_of(engine: Engine) -> list[config_store.ConfigRow]:
    with engine.connect() as connection:
        return config_store.newest_rows(connection)


def test_the_first_training_puts_its_models_into_service(run: Run, engine: Engine, tmp_path: Path) -> None:
    told: list[str] = []
    report = run(announce=lambda: told.append("changed"))
    assert told == ["changed"]
    config = read_config(rows_of(engine), lambda found: found).built
    assert report.promotion is not None
    assert config.aliases == report.promotion.aliases
    assert config.aliases["champion"] == report.models[0].ref
    assert config.aliases["heuristic"] == "heuristic@1"
    assert {config.aliases["champion"], config.aliases["challenger"]} <= {
        "additive@1",
        "gradient_boosting@1",
        "heuristic@1",
    }
    assert config.proba_cutoff == report.models[0].card["cutoff"] == report.promotion.cutoff
    assert {row.author for row in rows_of(engine)} == {"train"}
    assert {row.reason for row in rows_of(engine)} == {"trained on people"}
    assert {row.revision for row in rows_of(engine)} == {report.promotion.revision}
    registry = ModelRegistry(tmp_path / "models")
    assert registry.available() == ["additive@1", "gradient_boosting@1", "heuristic@1"]
    assert all(registry.load(ref) for ref in config.aliases.values())


def test_every_model_is_on_record_with_its_card_and_manifest(run: Run, engine: Engine, tmp_path: Path) -> None:
    report = run()
    registry = ModelRegistry(tmp_path / "models")
    with engine.connect() as connection:
        records = {f"{one.name}@{one.version}": one for one in model_store.list_models(connection)}
    assert set(records) == {model.ref for model in report.models} == set(registry.available())
    for model in report.models:
        loaded = registry.load(model.ref)
        assert records[model.ref].card == loaded.card.model_dump(mode="json") == model.card
        assert records[model.ref].manifest_sha256 == loaded.manifest_sha256
        assert Path(model.folder) == tmp_path / "models" / model.ref.replace("@", "/")


def test_the_customers_are_those_of_the_table(run: Run, engine: Engine, table: Path) -> None:
    report = run()
    with engine.connect() as connection:
        stored = {row.client_id: row for row in connection.execute(select(churn_data))}
        worth = {row.client_id: row for row in connection.execute(select(client_ltv))}
    made = customers(500)
    assert report.customers == len(stored) == 500
    assert report.lifetime_values == len(worth) == 500
    assert set(stored) == set(made["subscriber_id"]) == set(worth)
    first = stored[made["subscriber_id"][0]]
    assert first.churned is (made["churned"][0] == "Yes")
    assert first.features["contract"] == made["contract"][0]
    assert "churned" not in first.features
    assert "subscriber_id" not in first.features
    assert {row.method for row in worth.values()} == {"kaplan_meier"}
    assert all(row.ltv > 0 for row in worth.values())


def test_stored_customers_can_be_scored_as_they_are(run: Run, engine: Engine, tmp_path: Path) -> None:
    report = run()
    loaded = ModelRegistry(tmp_path / "models").load(report.models[0].ref)
    with engine.connect() as connection:
        ids = feature_store.customer_ids(connection, 500)
        stored = feature_store.customers(connection, ids)
    answers = loaded.model.predict_many([loaded.model.input_schema.model_validate(stored[one]) for one in ids])
    assert np.std([answer.probability for answer in answers]) > 0.01


def test_a_second_training_is_a_candidate(run: Run, engine: Engine) -> None:
    told: list[str] = []
    first = run()
    second = run(announce=lambda: told.append("changed"))
    assert second.promotion is None
    assert told == []
    assert {model.ref for model in second.models} == {"additive@2", "gradient_boosting@2", "heuristic@2"}
    with engine.connect() as connection:
        assert aliases_in_force(connection) == (first.promotion.aliases if first.promotion else {})
    assert second.customers == 500


def test_a_promotion_keeps_the_cutoff_and_the_aliases_that_someone_added(run: Run, engine: Engine) -> None:
    run()
    mine = {"aliases": '{"champion": "additive@1", "mine": "heuristic@1"}', "proba_cutoff": "0.77"}
    with engine.begin() as connection:
        config_store.append(connection, mine, "someone", "why not")
    report = run(promote=True)
    assert report.promotion is not None
    assert report.promotion.cutoff is None
    config = read_config(rows_of(engine), lambda found: found).built
    assert config.proba_cutoff == 0.77
    assert config.aliases["mine"] == "heuristic@1"
    assert config.aliases["champion"] == report.models[0].ref
    assert config.aliases["champion"].endswith("@2")


def test_a_promotion_leaves_aside_aliases_that_never_came_into_force(run: Run, engine: Engine) -> None:
    run()
    insert_config(engine, aliases='{"champion": "absent@1", "spare": "absent@2"}')
    report = run(promote=True)
    assert report.promotion is not None
    assert "spare" not in report.promotion.aliases


def test_a_promotion_is_in_the_audit_log(run: Run, engine: Engine) -> None:
    report = run()
    with engine.connect() as connection:
        (entry,) = audit_log.list_entries(connection, subject="config")
    assert report.promotion is not None
    assert (entry.actor, entry.action, entry.details["revision"]) == (
        "train",
        "config_changed",
        str(report.promotion.revision),
    )


def test_where_two_people_decide_later_models_stay_candidates(run: Run, engine: Engine) -> None:
    insert_config(engine, two_person_rule="true")
    first = run(promote=True)
    assert first.promotion is not None  # nobody was in service before
    with pytest.raises(
        UserError, match="on record as candidates, but cannot go into service: two_person_rule: it is on"
    ):
        run(promote=True)
    with engine.connect() as connection:
        assert aliases_in_force(connection) == first.promotion.aliases
        assert model_store.find(connection, "additive", "2") is not None


def test_models_that_do_not_fit_the_configuration_stay_candidates(run: Run, engine: Engine, tmp_path: Path) -> None:
    """An experiment runs on a model of another table, whose fields the new champion does not have."""
    run()
    arms = '{"name": "x", "salt": "s", "arms": {"champion": 0.5, "additive@1": 0.5}}'
    with engine.begin() as connection:
        config_store.append(connection, {"experiment": arms}, "someone", "to see")
        before = aliases_in_force(connection)
    other = customers(300)
    other["sum"] = other.pop("monthly_charge")
    with pytest.raises(UserError, match=r"on record as candidates, but cannot go into service: .*fields"):
        run(write_csv(tmp_path / "others.csv", other), promote=True)
    with engine.connect() as connection:
        assert aliases_in_force(connection) == before
        assert model_store.find(connection, "additive", "2") is not None


def test_aliases_that_cannot_be_read_are_passed_over(run: Run, engine: Engine) -> None:
    run()
    with engine.begin() as connection:
        before = aliases_in_force(connection)
        for bad in ("{", "[1]", "null", "{}"):
            config_store.append(connection, {"aliases": bad}, "someone", "typing SQL")
        assert aliases_in_force(connection) == before


def test_another_table_leaves_the_customers_in_service_alone(run: Run, engine: Engine, tmp_path: Path) -> None:
    run()
    made = customers(300)
    made["account"] = [f"other{i}" for i in range(300)]
    del made["subscriber_id"]
    other = write_csv(tmp_path / "accounts.csv", made)
    candidate = run(other)
    assert candidate.customers == 0
    assert any("another table" in note for note in candidate.notes)
    with engine.connect() as connection:
        assert feature_store.count_customers(connection) == 500
    promoted = run(other, promote=True)
    assert promoted.customers == 300
    with engine.connect() as connection:
        assert feature_store.count_customers(connection) == 300
        assert set(feature_store.customer_ids(connection, 300)) == set(made["account"])


def test_without_a_value_column_no_lifetime_values_stay_behind(run: Run, engine: Engine, tmp_path: Path) -> None:
    run()
    made = {name: cells for name, cells in customers(300).items() if name != "monthly_charge"}
    report = run(write_csv(tmp_path / "people2.csv", made), promote=True)
    assert report.lifetime_values == 0
    assert any(note.startswith("no lifetime values") for note in report.notes)
    with engine.connect() as connection:
        assert feature_store.ltvs(connection, made["subscriber_id"]) == {}


def test_a_name_is_the_winners(run: Run) -> None:
    report = run(name="autumn")
    assert report.models[0].ref == "autumn@1"
    assert {model.ref for model in report.models[1:]} == {f"autumn-{model.algorithm}@1" for model in report.models[1:]}
    assert run(name="autumn").models[0].ref == "autumn@2"


@pytest.mark.parametrize("name", ["../x", "A", "a b", "", "x" * 65, "x" * 60])
def test_a_name_that_cannot_be_one_is_refused_before_anything_is_done(run: Run, name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be a model's name"):
        run(name=name)
    assert not (tmp_path / "models").exists()


def test_a_version_on_disk_that_is_not_on_record_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "models" / "additive" / "6").mkdir(parents=True)
    assert "additive@7" in {model.ref for model in run().models}


def test_choices_reach_the_reader_and_errors_name_the_column(run: Run) -> None:
    report = run(choices=Choices(drop=("age",)))
    assert "age" in {one["column"] for one in report.dropped}
    with pytest.raises(UserError, match="nothere"):
        run(choices=Choices(target="nothere"))


def test_the_report_is_plain_data(run: Run) -> None:
    import json

    report = run()
    assert json.loads(json.dumps(report.as_dict()))["models"][0]["ref"] == report.models[0].ref


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (("a", "b", "heuristic"), {"champion": "a@1", "challenger": "b@1", "heuristic": "heuristic@1"}),
        (("heuristic", "a"), {"champion": "heuristic@1", "challenger": "a@1", "heuristic": "heuristic@1"}),
        (("a", "heuristic"), {"champion": "a@1", "heuristic": "heuristic@1"}),
        (("a",), {"champion": "a@1"}),
    ],
)
def test_roles_follow_the_ranking(order: tuple[str, ...], expected: dict[str, str]) -> None:
    assert roles([(name, f"{name}@1") for name in order]) == expected
