"""A configuration in force without an application around it, for services that read one."""

from typing import Any

from modeling.registry import ModelRegistry
from services.config.model import LiveConfig
from services.snapshot import Snapshot, build_serving
from tests.support.models import Trained


def snapshot(trained: Trained, **config: Any) -> Snapshot:
    """What is in force with the trained models and these values."""
    live = LiveConfig(aliases=trained.aliases, **config)
    return Snapshot(build_serving(live, ModelRegistry(trained.models_dir)), 1, ())
