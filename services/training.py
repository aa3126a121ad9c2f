"""Trains on a customer table: model folders, the customers and their lifetime values and, when asked, promotion.

Not for the web process: training imports libraries that it must not load.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Engine

from data import config_store, model_store
from experiments.plan import CHAMPION
from helpers.clock import Clock
from helpers.errors import UserError
from modeling.artifacts import check_name, versions, write_folder
from modeling.choices import Choices
from modeling.dataset import Dataset, read_dataset
from modeling.describe import Described, Naming
from modeling.plan import TrainingPlan
from modeling.registry import ModelRegistry
from modeling.subscribers import write_subscribers
from modeling.train import Progress, Training, train
from modeling.verification import read_folder
from services.config.changes import Turn
from services.config.model import ConfigRefused
from services.customer_import import left_alone, other_table, store_customers
from services.customer_tables import load_dataset
from services.promotion import Promotion, aliases_in_force, promote, roles
from services.training_report import TrainedModel, TrainingReport

MADE_UP = "subscribers.csv"


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


def run_training(
    request: TrainingRequest,
    *,
    engine: Engine,
    models_dir: Path,
    clock: Clock,
    classes: Sequence[str] = (),
    progress: Progress = lambda _done, _total, _what: None,
    announce: Callable[[], object] = lambda: None,
) -> TrainingReport:
    """Trains, writes the folders, then records everything in one transaction.

    The models are promoted when the request says so, or when nothing is in service yet; `announce` is called
    after that, to tell running processes. `classes` are those of third parties' models, which may be in service.
    Raises UserError when the table cannot be learned from, and, with all else recorded, when the models do not go
    together with the configuration in force.
    """
    _refuse_name(request)
    dataset = _dataset(request, engine)
    training = train(dataset, _naming(request, engine, models_dir), clock.now(), request.plan, progress)
    models = [_written(models_dir, one.card.name, int(one.card.version), one.files) for one in training.models]
    trained = _Trained(request, dataset, training, models, ModelRegistry(models_dir, classes=classes), clock)
    report = _report(engine, trained)
    if report.promotion is not None:
        announce()
    return report


def _refuse_name(request: TrainingRequest) -> None:
    """Before the work begins, not after it."""
    if request.name is not None:
        for algorithm in request.plan.algorithms:
            check_name(f"{check_name(request.name)}-{algorithm}")


def _dataset(request: TrainingRequest, engine: Engine) -> Dataset:
    if request.source is not None:
        return load_dataset(request.source, request.choices, engine=engine)
    with TemporaryDirectory() as folder:
        write_subscribers(Path(folder) / MADE_UP)
        return read_dataset(Path(folder) / MADE_UP, request.choices)


def _naming(request: TrainingRequest, engine: Engine, models_dir: Path) -> Naming:
    """Names, and the next version that neither the disk nor the database knows."""

    def naming(algorithm: str, won: bool) -> tuple[str, int]:
        name = algorithm
        if request.name is not None:
            name = request.name if won else f"{request.name}-{algorithm}"
        with engine.connect() as connection:
            recorded = int(model_store.next_version(connection, name))
        return name, max([recorded, *(version + 1 for version in versions(models_dir, name))])

    return naming


def _written(models_dir: Path, name: str, version: int, files: dict[str, bytes]) -> tuple[Path, str]:
    """The folder and the digest of its manifest, read back and checked as the service will."""
    folder = write_folder(models_dir, name, version, files)
    return folder, read_folder(models_dir, f"{name}@{version}").manifest_sha256


@dataclass(frozen=True, slots=True)
class _Trained:
    request: TrainingRequest
    dataset: Dataset
    training: Training
    written: list[tuple[Path, str]]
    registry: ModelRegistry
    clock: Clock


def _report(engine: Engine, trained: _Trained) -> TrainingReport:
    """All in one transaction; a promotion that is refused leaves the models as candidates."""
    try:
        with engine.begin() as connection:
            wanted = trained.request.promote or not aliases_in_force(connection)
            return _recorded(connection, trained, wanted)
    except ConfigRefused as refused:
        with engine.begin() as connection:
            _recorded(connection, trained, promoting=False)
        text = f"the models are on record as candidates, but cannot go into service: {refused}"
        raise UserError(text, refused.field) from refused


def _recorded(connection: Connection, trained: _Trained, promoting: bool) -> TrainingReport:
    dataset, training, clock = trained.dataset, trained.training, trained.clock
    pairs = zip(training.models, trained.written, strict=True)
    models = [_on_record(connection, one, folder, digest, clock) for one, (folder, digest) in pairs]
    promotion = _promoted(connection, trained, models) if promoting else None
    champion = aliases_in_force(connection).get(CHAMPION, "")
    other = None if promoting else other_table(connection, champion, training.schema)
    stored = store_customers(connection, dataset, clock.now()) if other is None else left_alone(other)
    return TrainingReport(
        table=training.schema.table,
        rows=len(dataset.ids),
        decisions=[asdict(one) for one in dataset.decisions],
        dropped=[asdict(one) for one in dataset.dropped],
        models=models,
        reason=training.reason,
        customers=stored.customers,
        lifetime_values=stored.lifetime_values,
        promotion=promotion,
        notes=[*training.rejected, stored.note],
    )


def _on_record(connection: Connection, made: Described, folder: Path, digest: str, clock: Clock) -> TrainedModel:
    card = made.card.model_dump(mode="json")
    model_store.add(connection, made.card.name, made.card.version, clock.now(), card, digest)
    return TrainedModel(made.card.ref, made.algorithm, str(folder), card)


def _promoted(connection: Connection, trained: _Trained, models: list[TrainedModel]) -> Promotion:
    """In turn with whoever else changes the configuration, and written down like any other change."""
    config_store.take_turn(connection)
    training = trained.training
    named = roles([(one.algorithm, one.ref) for one in models])
    mine = Turn(connection, trained.registry, trained.clock)
    return promote(mine, named, training.winner.card.cutoff, f"trained on {training.schema.table}")
