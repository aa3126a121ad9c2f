"""The life of experiments over a database and real models, as its edges would lead it."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from data.audit_log import AuditEntry, list_entries
from helpers.clock import SystemClock
from modeling.registry import ModelRegistry
from services.config.changes import change
from services.config.model import LiveConfig
from services.config.present import in_force
from services.experiment_values import Start
from services.experiments import ExperimentService, runs
from services.runs import Run
from tests.support.deployment import insert_config

HALVES = {"champion": 0.5, "challenger": 0.5}


class Life:
    """One database with its experiments."""

    def __init__(self, engine: Engine, models_dir: Path, aliases: dict[str, str]) -> None:
        self.engine = engine
        self.registry = ModelRegistry(models_dir)
        self.experiments = ExperimentService(engine, self.registry, SystemClock())
        insert_config(engine, aliases=aliases)

    def configure(self, **values: Any) -> None:
        insert_config(self.engine, **values)

    def change(self, **values: Any) -> int:
        return change(self.engine, self.registry, SystemClock(), values, "ann", "because")

    @property
    def config(self) -> LiveConfig:
        with self.engine.connect() as connection:
            return in_force(connection, self.registry).built.config

    def start(self, name: str, **given: Any) -> int:
        return self.experiments.start(Start(name, given.pop("arms", HALVES), **given), "ann", "to see")

    def run(self, name: str) -> Run:
        return next(run for run in runs(self.engine) if run.name == name)

    def audited(self, subject: str | None = None) -> list[AuditEntry]:
        with self.engine.connect() as connection:
            return list_entries(connection, subject=subject)
