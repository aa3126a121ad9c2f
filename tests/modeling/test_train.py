"""Training as a whole: honest rows, a gate that refuses, papers that say what was done, the same every time."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import orjson
import pytest

from helpers.errors import UserError
from modeling.calibration import Calibration
from modeling.candidates.base import Candidate, Settings
from modeling.candidates.boosting import AdditiveBoosting, Boosting
from modeling.candidates.trees import FittedTrees
from modeling.card import Card, read_card
from modeling.dataset import Choices, Dataset, read_dataset
from modeling.fitting import ParityError, fit
from modeling.folds import assign_folds
from modeling.metrics import FIGURES, roc_auc
from modeling.parts import Table
from modeling.plan import QUICK, TrainingPlan
from modeling.schema import TableSchema
from modeling.train import train
from modeling.verification import read_folder
from tests.modeling.tables import customers, read
from tests.support.models import TRAINED_AT, Trained

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

SMALL = replace(QUICK, algorithms=("additive", "heuristic"), plots=False)


def naming(algorithm: str, _won: bool) -> tuple[str, int]:
    return algorithm, 1


def test_the_papers_say_what_was_done(trained: Trained) -> None:
    for model in trained.training.models:
        card = read_card(model.files["card.json"])
        assert card == model.card
        assert card.created_at == TRAINED_AT.isoformat()
        assert (card.table, card.target, card.positive, card.id) == ("subscribers", "churned", "Yes", "subscriber_id")
        assert card.features == list(trained.schema.names)
        assert set(card.metrics) == set(FIGURES) <= set(card.cross_validated)
        assert (card.cross_validated["folds"], card.cross_validated["seeds"]) == (2, 1)
        assert 0 <= card.parity_max_abs_diff <= 1e-6
        assert card.parity_rows == card.rows["all"] == 1500
        assert card.rows["learned"] + card.rows["held_out"] == 1500
        assert card.rows["held_out"] == pytest.approx(300, abs=2)
        assert card.base_rate == pytest.approx(float(trained.dataset.y.mean()))
        assert 0 < card.training_seconds < 300
        assert card.libraries.keys() == {"lightgbm", "catboost", "onnx", "onnxruntime", "numpy"}
        assert [one["model"] for one in card.candidates] == trained.refs
        assert card.importance.keys() == set(trained.schema.names)
        assert card.decisions


def test_the_winner_has_the_lowest_loss_or_is_the_additive_one(trained: Trained) -> None:
    losses = {one["algorithm"]: one["log_loss"] for one in trained.training.winner.card.candidates}
    assert trained.training.winner.algorithm in {min(losses, key=lambda name: losses[name]), "additive"}
    rest = [losses[model.algorithm] for model in trained.training.models[1:]]
    assert rest == sorted(rest)
    assert trained.training.reason


def test_held_out_figures_are_of_rows_that_the_served_model_never_saw(trained: Trained, models_dir: Path) -> None:
    """Recomputed from nothing but the folder and the table."""
    from modeling.registry import ModelRegistry
    from modeling.runtimes.encoded import EncodedModel

    data = trained.dataset
    y = data.y.astype(np.float64)
    held_out = assign_folds(y, data.groups, QUICK.test_folds, QUICK.split_seed) == 0
    for ref in trained.refs:
        loaded = ModelRegistry(models_dir).load(ref)
        assert isinstance(loaded.model, EncodedModel)
        rows = [row for row, chosen in zip(data.rows, held_out, strict=True) if chosen]
        answers = loaded.model.predict_many([loaded.model.input_schema.model_validate(row) for row in rows])
        p = np.array([answer.probability for answer in answers])
        assert loaded.card.metrics["roc_auc"].mean == pytest.approx(roc_auc(y[held_out], p, np.ones(len(p))))


def test_the_labels_of_held_out_rows_change_no_model(trained: Trained, tmp_path: Path) -> None:
    data = trained.dataset
    held_out = assign_folds(data.y.astype(float), data.groups, QUICK.test_folds, QUICK.split_seed) == 0
    shuffled = data.y.copy()
    shuffled[held_out] = np.random.default_rng(0).permutation(shuffled[held_out])
    groups = data.groups
    again = assign_folds(shuffled.astype(float), groups, QUICK.test_folds, QUICK.split_seed) == 0
    table = Table(data.x, data.y.astype(float), groups, data.schema)
    turned = Table(data.x, shuffled.astype(float), groups, data.schema)
    assert (again != held_out).any()  # the split itself is stratified by the labels, so it is handed in below
    settings = {"learning_rate": 0.1, "num_leaves": 2, "trees": 20}
    none = Calibration(1.0, 0.0, "")
    fits = [fit(AdditiveBoosting(), settings, none, one.ordered(~held_out), ~held_out) for one in (table, turned)]
    assert fits[0].files == fits[1].files


def test_twins_never_stand_on_both_sides(tmp_path: Path) -> None:
    made = customers(600)
    twice = {name: [*cells, *cells] for name, cells in made.items()}
    twice["subscriber_id"] = [f"T{number}" for number in range(1200)]
    dataset = read(tmp_path, twice)
    assert len(set(dataset.groups.tolist())) <= 600
    training = train(dataset, naming, TRAINED_AT, SMALL)
    rows = training.winner.card.rows
    assert rows["groups"] <= 600
    folds = assign_folds(dataset.y.astype(float), dataset.groups, 5, 0)
    for group in np.unique(dataset.groups):
        assert len(set(folds[dataset.groups == group].tolist())) == 1
    # a memory of twins would make these rows easy: 0.99 where honest rows allow about 0.8
    assert training.winner.card.metrics["roc_auc"].mean < 0.93


def test_training_twice_gives_the_same_bytes(trained: Trained) -> None:
    plan = replace(QUICK, algorithms=("catboost", "gradient_boosting"))
    first, second = (train(trained.dataset, naming, TRAINED_AT, replace(plan, threads=n)) for n in (1, 2))
    for one, other in zip(first.models, second.models, strict=True):
        changing = {"card.json"}  # it tells how long the training took
        assert {k: v for k, v in one.files.items() if k not in changing} == {
            k: v for k, v in other.files.items() if k not in changing
        }
        assert one.card.model_copy(update={"training_seconds": 0}) == other.card.model_copy(
            update={"training_seconds": 0}
        )


class Liar(FittedTrees):
    """Its trainer says one thing, its export another."""

    def probabilities(self, x: Floats) -> Doubles:
        return np.asarray(super().probabilities(x) + 2e-6)


class LyingBoosting(Boosting):
    def fit(self, x: Floats, y: Doubles, settings: Settings, schema: TableSchema) -> FittedTrees:
        fitted = super().fit(x, y, settings, schema)
        return Liar(fitted.raw, fitted.forest)


@pytest.mark.parametrize(("candidate", "refused"), [(Boosting(), False), (LyingBoosting(), True)])
def test_an_export_that_differs_in_the_sixth_digit_is_refused(
    trained: Trained, candidate: Candidate, refused: bool
) -> None:
    data = trained.dataset
    table = Table(data.x, data.y.astype(float), data.groups, data.schema)
    learn = np.ones(len(table), np.bool_)
    settings = {"learning_rate": 0.1, "num_leaves": 4, "trees": 10}
    none = Calibration(1.0, 0.0, "")
    if not refused:
        assert fit(candidate, settings, none, table, learn).parity <= 1e-6
        return
    with pytest.raises(ParityError, match=r"differs from the trained one by up to 2\.\de-06"):
        fit(candidate, settings, none, table, learn)


def test_too_few_different_leavers_are_refused(trained: Trained) -> None:
    """Hundreds left, but all of them are near-duplicates of one another."""
    data = trained.dataset
    twins = replace(data, groups=np.where(data.y == 1, 0, np.arange(1, len(data.y) + 1)))
    with pytest.raises(UserError, match=r"only 1 different .* near-duplicates counted once"):
        train(twins, naming, TRAINED_AT, SMALL)


def test_the_winner_is_named_apart_and_every_step_is_told(trained: Trained) -> None:
    told: list[tuple[int, int, str]] = []
    training = train(
        trained.dataset,
        lambda algorithm, won: ("mine" if won else f"mine-{algorithm}", 7),
        TRAINED_AT,
        SMALL,
        lambda *step: told.append(step),
    )
    assert training.winner.card.ref == "mine@7"
    assert {model.card.name for model in training.models} == {"mine", f"mine-{training.models[1].algorithm}"}
    assert [done for done, _, _ in told] == list(range(1, told[0][1] + 1))
    assert {total for _, total, _ in told} == {len(told)}


def test_large_tables_get_fewer_repeats() -> None:
    assert TrainingPlan().for_rows(7_043) == TrainingPlan()
    assert TrainingPlan().for_rows(1_000_000).seeds == (0,)


def test_pictures_are_titled_xml_without_a_date(trained: Trained) -> None:
    pictures = {name: body for name, body in trained.training.winner.files.items() if name.endswith(".svg")}
    assert len(pictures) == 6
    for body in pictures.values():
        root = ElementTree.fromstring(body.decode())
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"] == root[0].text
        assert b"dc:date" not in body
        assert b"<script" not in body


def test_a_title_of_html_stays_text(tmp_path: Path) -> None:
    made = customers(400)
    made["<script>alert('x')</script> $a_b$"] = made.pop("support_calls")
    dataset = read(tmp_path, made)
    training = train(dataset, naming, TRAINED_AT, replace(SMALL, plots=True))
    for name, body in training.winner.files.items():
        if name.endswith(".svg"):
            ElementTree.fromstring(body.decode())
            assert b"<script" not in body


def test_reference_statistics_sum_to_one(trained: Trained) -> None:
    reference = orjson.loads(trained.training.winner.files["reference.json"])
    assert reference["rows"] == trained.training.winner.card.rows["learned"]
    assert reference["features"].keys() == set(trained.schema.names)
    for said in reference["features"].values():
        shares = said["shares"].values() if said["kind"] == "category" else said["shares"]
        assert sum(shares) + said["missing"] + said.get("other", 0) == pytest.approx(1)
        assert len(said.get("edges", [])) == (0 if said["kind"] == "category" else len(said["shares"]) - 1)
    assert sum(reference["score"]["shares"]) == pytest.approx(1)


def test_cards_of_tables_with_every_oddity_can_be_read_back(tmp_path: Path) -> None:
    made = customers(400)
    made["größe ☂"] = [str(i % 7) for i in range(400)]
    made["joined"] = ["" if i % 9 == 0 else f"2024-0{1 + i % 9}-15" for i in range(400)]
    dataset: Dataset = read_dataset(_written(tmp_path, made), Choices())
    training = train(dataset, naming, datetime(2026, 5, 5, tzinfo=UTC), SMALL)
    from modeling.artifacts import write_folder

    for model in training.models:
        write_folder(tmp_path / "models", model.card.name, 1, model.files)
        found = read_folder(tmp_path / "models", model.card.ref)
        card: Card = read_card(found.file("card.json"))
        assert "größe ☂" in card.features
        assert TableSchema.from_json(found.file("schema.json")) == training.schema


def _written(folder: Path, made: dict[str, list[object]]) -> Path:
    from tests.modeling.tables import write_csv

    return write_csv(folder / "customers.csv", made)
