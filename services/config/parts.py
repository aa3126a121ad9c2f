"""The parts that values of the live configuration are made of: names, shares, experiments, layers, guardrails."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from experiments.guardrails import Limits
from experiments.plan import CHAMPION, HOLDOUT, LAYERS_SALT, MAIN

SHARE_TOLERANCE = 1e-6
LARGEST_LAYERS = 0.99


def _not_reserved(name: str) -> str:
    if name == HOLDOUT:
        raise PydanticCustomError("reserved", "'holdout' is the name of the layer above all arms; choose another")
    return name


def _reachable(name: str) -> str:
    """An experiment has a page, whose address ends with its name."""
    if not name.isprintable() or name != name.strip() or set(name.split("/")) & {"", ".", ".."}:
        raise PydanticCustomError(
            "unreachable",
            "a name is printable text without blanks at its ends; between slashes it needs more than nothing, . or ..",
        )
    return name


def _no_month_of_the_holdout(name: str) -> str:
    if name.startswith(f"{HOLDOUT}/"):
        raise PydanticCustomError("reserved", "names that begin with 'holdout/' are months of the holdout")
    return _not_reserved(name)


def _not_main(name: str) -> str:
    if name == MAIN:
        raise PydanticCustomError(
            "reserved", "'main' is what the layers leave over: the experiment key; choose another"
        )
    return name


def _not_of_the_layers(salt: str) -> str:
    if salt == LAYERS_SALT:
        raise PydanticCustomError("reserved", "'layers' is the salt that draws the layers; choose another")
    return salt


def _one_address(text: str) -> str:
    if text.count("@") != 1 or text[0] == "@" or text[-1] == "@" or set(text) & set(",;<>\"'()\\"):
        raise PydanticCustomError("address", "must be a plain mail address, such as retention@example.com")
    return text


_SIMPLE = r"^[a-z0-9_][a-z0-9_-]{0,63}"

ModelName = Annotated[str, StringConstraints(pattern=rf"{_SIMPLE}(@[0-9]{{1,9}})?$")]
ArmName = Annotated[ModelName, AfterValidator(_not_reserved)]
AliasName = Annotated[str, StringConstraints(pattern=rf"{_SIMPLE}$"), AfterValidator(_not_reserved)]
LayerName = Annotated[AliasName, AfterValidator(_not_main)]
Reference = Annotated[str, StringConstraints(pattern=rf"{_SIMPLE}@[0-9]{{1,9}}$")]
ExperimentName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100),
    AfterValidator(_reachable),
    AfterValidator(_no_month_of_the_holdout),
]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Salt = Annotated[str, StringConstraints(min_length=1, max_length=100)]
ExperimentSalt = Annotated[Salt, AfterValidator(_not_of_the_layers)]
Address = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=254), AfterValidator(_one_address)]


class Experiment(BaseModel):
    """Arms and their shares. An arm is an alias, a `name@version`, or `heuristic`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ExperimentName = "default"
    salt: ExperimentSalt = "default"
    arms: dict[ArmName, Share] = {CHAMPION: 1.0}

    @model_validator(mode="after")
    def shares_sum_to_one(self) -> Self:
        total = sum(self.arms.values())
        if abs(total - 1) > SHARE_TOLERANCE:
            message = f"the shares of the arms sum to {total:g}; they must sum to 1"
            raise PydanticCustomError("shares", "{message}", {"message": message})
        return self

    @property
    def open_arms(self) -> tuple[str, ...]:
        """The arms that get clients, by name."""
        return tuple(sorted(arm for arm, share in self.arms.items() if share > 0))

    @property
    def compares(self) -> bool:
        """Whether there is anything to compare: with a single open arm nobody is enrolled."""
        return len(self.open_arms) > 1


class Layer(BaseModel):
    """A share of all clients, with an experiment of their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(ge=0, le=LARGEST_LAYERS, allow_inf_nan=False)
    experiment: Experiment


def _leaving_room(layers: dict[str, Layer]) -> dict[str, Layer]:
    total = sum(layer.share for layer in layers.values())
    if total > LARGEST_LAYERS + SHARE_TOLERANCE:
        message = f"the shares of the layers sum to {total:g}; they may sum to {LARGEST_LAYERS:g} at most"
        raise PydanticCustomError("layers", "{message}", {"message": message})
    return layers


Layers = Annotated[dict[LayerName, Layer], AfterValidator(_leaving_room)]


class Guardrails(BaseModel):
    """When a challenger is paused. Each limit may be null, which turns its rule off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    errors: float | None = Field(
        0.01, ge=0, le=1, description="Rate of failed answers above the champion's, as a difference."
    )
    latency: float | None = Field(
        2.0, ge=1, le=1_000, description="95th percentile of response times, as a multiple of the champion's."
    )
    high_risk: float | None = Field(
        0.15, ge=0, le=1, description="Share of clients at high risk, as a difference to the champion's either way."
    )
    score_shift: float | None = Field(
        0.25, ge=0, le=100, description="Population stability index of the scores against the champion's."
    )
    overlap: float | None = Field(
        0.3, ge=0, le=1, description="Part of the champion's riskiest tenth that a shadow must find as well."
    )
    brier: float | None = Field(
        0.01, ge=0, le=1, description="Brier score of matured clients, by how much it may be above the champion's."
    )
    minimum: int = Field(
        200, ge=20, le=1_000_000, description="Clients of either side before a rule speaks; a tenth for errors."
    )
    hours: int = Field(24, ge=1, le=720, description="How far back answers are looked at.")

    @property
    def limits(self) -> Limits:
        return Limits(**self.model_dump(exclude={"hours"}))
