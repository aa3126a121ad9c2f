"""Trains on a customer table: model folders, the customers and their lifetime values and, when asked, promotion.

Not for the web process: training imports libraries that it must not load.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine

from data import feature_store, model_store
from helpers.clock import Clock
from modeling.artifacts import check_name, versions, write_folder
from modeling.choices import Choices
from modeling.dataset import Dataset, read_dataset
from modeling.describe import Naming
from modeling.lifetime import Lifetimes, lifetimes
from modeling.plan import TrainingPlan
from modeling.subscribers import write_subscribers
from modeling.train import Progress, Training, train
from modeling.verification import read_folder
from services.customer_tables import load_dataset
from services.promotion import CHAMPION, Promotion, aliases_in_force, promote, roles

MADE_UP = "subscribers.csv"
NO_VALUES = (
    "no lifetime values: no column says what a customer pays a period, so answers carry no money at risk; "
    "--value COL names it"
)


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What to train on, and how. Without a `source` a table of made-up subscribers is used.

    Without a `name` the models are called by their algorithm; with one the winner is called that, and the
    others `name-algorithm`.
    """

    source: str | None = None
    choices: Choices = field(default_factory=Choices)
    name: str | None = None
    promote: bool = False
    plan: TrainingPlan = field(default_factory=TrainingPlan)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """One model folder; `card` is its card.json."""

    ref: str
    algorithm: str
    folder: str
    card: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What was decided, trained and changed. `models` has the winner first, `reason` says why it won.

    `customers` and `lifetime_values` count what was stored; `notes` tells what was not, and why.
    """

    table: str
    rows: int
    decisions: list[dict[str, str]]
    dropped: list[dict[str, str]]
    models: list[TrainedModel]
    reason: str
    customers: int
    lifetime_values: int
    promotion: Promotion | None
    notes: list[str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def run_training(
    request: TrainingRequest,
    *,
    engine: Engine,
    models_dir: Path,
    clock: Clock,
    progress: Progress = lambda _done, _total, _what: None,
    announce: Callable[[], object] = lambda: None,
) -> TrainingReport:
    """Trains, writes the folders, then records everything in one transaction.

    The models are promoted when the request says so, or when nothing is in service yet; `announce` is called
    after that, to tell running processes. Raises UserError when the table cannot be learned from.
    """
    check_name(request.name or "model")
    dataset = _dataset(request, engine)
    training = train(dataset, _naming(request, engine, models_dir), clock.now(), request.plan, progress)
    models = [_written(models_dir, one.card.name, int(one.card.version), one.files) for one in training.models]
    with engine.begin() as connection:
        report = _recorded(connection, request, dataset, training, models, clock)
    if report.promotion is not None:
        announce()
    return report


def _dataset(request: TrainingRequest, engine: Engine) -> Dataset:
    if request.source is not None:
        return load_dataset(request.source, request.choices, engine=engine)
    with TemporaryDirectory() as folder:
        write_subscribers(Path(folder) / MADE_UP)
        return read_dataset(Path(folder) / MADE_UP, request.choices)


def _naming(request: TrainingRequest, engine: Engine, models_dir: Path) -> Naming:
    """Names, and the next version that neither the disk nor the database knows."""

    def naming(algorithm: str, won: bool) -> tuple[str, int]:
        own = request.name if won else f"{request.name}-{algorithm}"
        name = check_name(algorithm if request.name is None else str(own))
        with engine.connect() as connection:
            recorded = int(model_store.next_version(connection, name))
        return name, max([recorded, *(version + 1 for version in versions(models_dir, name))])

    return naming


def _written(models_dir: Path, name: str, version: int, files: dict[str, bytes]) -> tuple[Path, str]:
    """The folder and the digest of its manifest, read back and checked as the service will."""
    folder = write_folder(models_dir, name, version, files)
    return folder, read_folder(models_dir, f"{name}@{version}").manifest_sha256


def _recorded(
    connection: Connection,
    request: TrainingRequest,
    dataset: Dataset,
    training: Training,
    written: list[tuple[Path, str]],
    clock: Clock,
) -> TrainingReport:
    models = []
    for one, (folder, digest) in zip(training.models, written, strict=True):
        card = one.card.model_dump(mode="json")
        model_store.add(connection, one.card.name, one.card.version, clock.now(), card, digest)
        models.append(TrainedModel(one.card.ref, one.algorithm, str(folder), card))
    before = aliases_in_force(connection)
    other = _other_table(connection, before, training)
    promoting = request.promote or not before
    notes = list(training.rejected)
    if other and not promoting:
        notes.append(f"customers left as they are: {other}; promote these models to replace them")
        stored, valued = 0, 0
    else:
        worth = lifetimes(dataset)
        stored, valued = _store(connection, dataset, worth, clock)
        notes.append(NO_VALUES if worth is None else f"lifetime values: {worth.said}")
    return TrainingReport(
        table=training.schema.table,
        rows=len(dataset.ids),
        decisions=[asdict(one) for one in dataset.decisions],
        dropped=[asdict(one) for one in dataset.dropped],
        models=models,
        reason=training.reason,
        customers=stored,
        lifetime_values=valued,
        promotion=_promoted(connection, models, training) if promoting else None,
        notes=notes,
    )


def _promoted(connection: Connection, models: list[TrainedModel], training: Training) -> Promotion:
    named = roles([(one.algorithm, one.ref) for one in models])
    return promote(connection, named, training.winner.card.cutoff, f"trained on {training.schema.table}")


def _other_table(connection: Connection, aliases: dict[str, str], training: Training) -> str | None:
    """Why the customers in the database belong to another table: the champion reads other columns."""
    name, _, version = aliases.get(CHAMPION, "").partition("@")
    champion = model_store.find(connection, name, version)
    if champion is None:
        return None
    theirs = (champion.card.get("id"), champion.card.get("target"), champion.card.get("table"))
    schema = training.schema
    same = theirs == (schema.id, schema.target, schema.table)
    return None if same else f"the champion {aliases[CHAMPION]} serves another table, {theirs[2]}"


def _store(connection: Connection, dataset: Dataset, worth: Lifetimes | None, clock: Clock) -> tuple[int, int]:
    """Puts these customers and their lifetime values in the place of all others."""
    now = clock.now()
    rows = zip(dataset.ids, dataset.rows, dataset.y.tolist(), strict=True)
    customers = (feature_store.Customer(client_id, fields, bool(left), now) for client_id, fields, left in rows)
    values = () if worth is None else _valued(dataset, worth)
    ltvs = (feature_store.LifetimeValue(client_id, ltv, method, now) for client_id, ltv, method in values)
    return feature_store.replace_customers(connection, customers), feature_store.replace_ltvs(connection, ltvs)


def _valued(dataset: Dataset, worth: Lifetimes) -> Iterator[tuple[str, float, str]]:
    for client_id, value in zip(dataset.ids, worth.values.tolist(), strict=True):
        if np.isfinite(value):
            yield client_id, round(value, 2), worth.method
