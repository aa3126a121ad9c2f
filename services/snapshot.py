"""All that one configuration needs to answer: models loaded, schema built, nothing left to look up."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel

from experiments.plan import CHAMPION, Layer, Rules
from helpers.errors import UserError
from modeling.features import TableSchema, input_model
from modeling.registry import LoadedModel, ModelRegistry
from services.config.model import ConfigRefused, LiveConfig
from services.config.parts import Experiment
from services.config.reading import RefusedRow


@dataclass(frozen=True, slots=True)
class Serving:
    """A valid config with its models. `models` maps every arm and shadow to what it stands for."""

    config: LiveConfig
    rules: Rules
    models: Mapping[str, LoadedModel]
    input_model: type[BaseModel]

    @property
    def champion(self) -> LoadedModel:
        return self.models[CHAMPION]

    @property
    def schema(self) -> TableSchema:
        """The champion's schema: what a request must look like."""
        return self.champion.schema


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is in force in this process, and since which row of the config table."""

    serving: Serving
    revision: int
    refused: tuple[RefusedRow, ...]

    @property
    def config(self) -> LiveConfig:
        return self.serving.config


def build_serving(config: LiveConfig, registry: ModelRegistry) -> Serving:
    """Loads every model that the config names. Raises ConfigRefused naming the keys at fault."""
    models = {name: _load(config, registry, name) for name in config.served_names()}
    champion = models[CHAMPION]
    for name, loaded in models.items():
        _check_fields(name, loaded, champion)
        _rehearse(name, loaded, champion)
    return Serving(config, rules_of(config), models, _input_model(champion.schema))


def rules_of(config: LiveConfig) -> Rules:
    """How the config assigns. Where an experiment is paused everybody meets the champion; there, and where there is
    nothing to compare, nobody is enrolled."""
    main = _met(config, config.experiment, 1.0)
    return Rules(
        salt=main.salt,
        arms=main.arms,
        shadow=config.shadow,
        holdout_percentage=config.holdout_percentage,
        holdout_salt=config.holdout_salt,
        experiment=main.experiment,
        layers={name: _met(config, layer.experiment, layer.share) for name, layer in config.layers.items()},
    )


def _met(config: LiveConfig, experiment: Experiment, share: float) -> Layer:
    if experiment.name in config.paused:
        return Layer(share, experiment.salt, {CHAMPION: 1.0}, None)
    return Layer(share, experiment.salt, experiment.arms, experiment.name if experiment.compares else None)


@lru_cache(maxsize=16)
def _input_model(schema: TableSchema) -> type[BaseModel]:
    """Equal schemas share one class, so that a config change does not invalidate checked input."""
    return input_model(schema)


def _load(config: LiveConfig, registry: ModelRegistry, name: str) -> LoadedModel:
    try:
        return registry.load(config.resolve(name))
    except UserError as error:
        raise ConfigRefused({key: str(error) for key in _keys_naming(config, name)}) from error


def _keys_naming(config: LiveConfig, name: str) -> list[str]:
    """The keys that may be at fault for this name, so that the one changed last can be set aside."""
    keys = [] if "@" in name else ["aliases"]
    keys += ["experiment"] if name in config.experiment.arms else []
    keys += ["layers"] if any(name in layer.experiment.arms for layer in config.layers.values()) else []
    keys += ["shadow"] if name in config.shadow else []
    return keys


def _rehearse(name: str, loaded: LoadedModel, champion: LoadedModel) -> None:
    """One typical customer, explained too: a model that cannot answer is refused before it is asked, and
    one that can is warm."""
    typical = {feature.name: feature.default for feature in champion.schema.features}
    try:
        data = _input_model(champion.schema).model_validate(typical)
        loaded.model.predict(data)
        loaded.model.explain(data)
    except Exception as error:
        text = f"{name} ({loaded.ref}) fails on a typical customer: {type(error).__name__}: {error}"
        raise _refusal_of_any(text) from error


def _refusal_of_any(text: str) -> ConfigRefused:
    """Whichever of the keys that name models was changed last is at fault."""
    return ConfigRefused(dict.fromkeys(("experiment", "layers", "shadow", "aliases"), text))


def _check_fields(name: str, loaded: LoadedModel, champion: LoadedModel) -> None:
    """A request has the champion's fields, so no other model may need more, or other kinds."""
    offered = {feature.name: feature.kind for feature in champion.schema.features}
    odd = [f.name for f in loaded.schema.features if offered.get(f.name) != f.kind]
    if odd:
        text = f"{name} ({loaded.ref}) needs fields that {champion.ref} does not take: {', '.join(odd)}"
        raise _refusal_of_any(text)
