"""What a command or a duty takes for the config is what the web has in force."""

from pathlib import Path

from sqlalchemy import Engine

from data import config_store
from modeling.registry import ModelRegistry
from services.config.model import LiveConfig
from services.config.present import config_in_force
from tests.support.deployment import insert_config
from tests.support.models import Trained


def read(engine: Engine, models_dir: Path) -> LiveConfig:
    with engine.connect() as connection:
        return config_in_force(connection, ModelRegistry(models_dir))


def test_what_came_with_a_model_that_cannot_be_loaded_does_not_count(engine: Engine, trained: Trained) -> None:
    insert_config(engine, aliases=trained.aliases, maturity_days="40")
    with engine.begin() as connection:
        config_store.append(connection, {"proba_cutoff": "0.2", "shadow": '["nothere@1"]'}, "ann", "because")
    found = read(engine, trained.models_dir)
    assert (found.proba_cutoff, found.shadow, found.maturity_days) == (0.5, (), 40)


def test_on_a_machine_without_models_the_table_counts(engine: Engine, trained: Trained, tmp_path: Path) -> None:
    insert_config(engine, aliases=trained.aliases, proba_cutoff="0.2", experiment="rubbish")
    found = read(engine, tmp_path)
    assert (found.proba_cutoff, found.aliases) == (0.2, trained.aliases)
