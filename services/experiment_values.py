"""The config values that start and stop an experiment, worked out from the config in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpers.errors import UserError
from services.config.model import LiveConfig
from services.ladder import idle


@dataclass(frozen=True, slots=True)
class Start:
    """An experiment to be started. Without a `salt` its name is the salt. A `layer` that is new needs a `share`."""

    name: str
    arms: Mapping[str, float]
    salt: str | None = None
    layer: str | None = None
    share: float | None = None

    def spelled(self) -> dict[str, Any]:
        return {"name": self.name, "salt": self.salt or self.name, "arms": dict(self.arms)}


def started(config: LiveConfig, wanted: Start) -> dict[str, Any]:
    """Raises UserError where there is nothing to compare, another experiment runs already, or a share is missing."""
    if sum(share > 0 for share in wanted.arms.values()) < 2:
        raise UserError("an experiment compares two arms with a share, or more", "arms")
    return _in_layer(config, wanted.layer, wanted) if wanted.layer else _outside(config, wanted)


def stopped(config: LiveConfig, name: str) -> dict[str, Any]:
    """The clients meet the champion. A layer stays when its experiment ends: taking it away would move the clients of
    the others. Raises UserError when the experiment is not in force."""
    layer = place(config, name)
    values = idle(config, name)
    if layer is not None:
        stays = {"share": config.layers[layer].share, "experiment": values.pop("experiment")}
        values["layers"] = {**_layers(config), layer: stays}
    return values


def place(config: LiveConfig, name: str) -> str | None:
    """The layer of a running experiment, None outside of layers. Raises UserError when it is not in force."""
    places = {layer.experiment.name: place for place, layer in config.layers.items() if layer.experiment.compares}
    if name in places:
        return places[name]
    if name != config.experiment.name or not config.experiment.compares:
        raise UserError(f"experiment {name!r} is not in force; see `experiments list`, and /health/ready", "name")
    return None


def _outside(config: LiveConfig, wanted: Start) -> dict[str, Any]:
    if wanted.share is not None:
        raise UserError("a share is that of a layer: name the layer as well", "share")
    if config.experiment.compares:
        running = config.experiment.name
        raise UserError(f"experiment {running!r} is running: stop it first, or start this one in a layer", "name")
    return {"experiment": wanted.spelled()}


def _in_layer(config: LiveConfig, name: str, wanted: Start) -> dict[str, Any]:
    known = config.layers.get(name)
    if known is not None and known.experiment.compares:
        running = known.experiment.name
        raise UserError(f"experiment {running!r} is running in layer {name!r}: stop it first", "layer")
    share = known.share if known is not None and wanted.share is None else wanted.share
    if share is None:
        raise UserError(f"layer {name!r} is new: say what share of all clients it gets, such as 0.1", "share")
    return {"layers": {**_layers(config), name: {"share": share, "experiment": wanted.spelled()}}}


def _layers(config: LiveConfig) -> dict[str, Any]:
    return {name: layer.model_dump() for name, layer in config.layers.items()}
