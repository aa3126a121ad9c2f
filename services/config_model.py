"""The live configuration: every value that may change while the service runs, checked as one whole."""

from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from experiments.plan import HOLDOUT
from helpers.errors import UserError


def _not_reserved(name: str) -> str:
    if name == HOLDOUT:
        raise PydanticCustomError("reserved", "'holdout' is the name of the layer above all arms; choose another")
    return name


def _one_address(text: str) -> str:
    if text.count("@") != 1 or text[0] == "@" or text[-1] == "@" or set(text) & set(",;<>\"'()\\"):
        raise PydanticCustomError("address", "must be a plain mail address, such as retention@example.com")
    return text


ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_][a-z0-9_-]{0,63}(@[0-9]{1,9})?$")]
ArmName = Annotated[ModelName, AfterValidator(_not_reserved)]
AliasName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_][a-z0-9_-]{0,63}$"), AfterValidator(_not_reserved)]
Reference = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_][a-z0-9_-]{0,63}@[0-9]{1,9}$")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Salt = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Address = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=254), AfterValidator(_one_address)]
CHAMPION = "champion"
SHARE_TOLERANCE = 1e-6


class Experiment(BaseModel):
    """Arms and their shares. An arm is an alias, a `name@version`, or `heuristic`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "default"
    salt: Salt = "default"
    arms: dict[ArmName, Share] = {CHAMPION: 1.0}

    @model_validator(mode="after")
    def shares_sum_to_one(self) -> Self:
        total = sum(self.arms.values())
        if abs(total - 1) > SHARE_TOLERANCE:
            message = f"the shares of the arms sum to {total:g}; they must sum to 1"
            raise PydanticCustomError("shares", "{message}", {"message": message})
        return self


class LiveConfig(BaseModel):
    """One immutable, valid configuration. The field descriptions are the documentation of the keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proba_cutoff: float = Field(
        0.5, ge=0.01, le=0.99, description="Probability from which a client counts as high risk."
    )
    aliases: dict[AliasName, Reference] = Field(
        {}, description="Which `name@version` each alias stands for; `champion` is the one in charge."
    )
    experiment: Experiment = Field(Experiment(), description="How live traffic is split between models.")
    shadow: tuple[ModelName, ...] = Field((), description="Models that score silently beside the arm.")
    holdout_percentage: float = Field(
        0, ge=0, le=50, allow_inf_nan=False, description="Share of clients never scored openly, in percent."
    )
    holdout_salt: Salt = Field("holdout", description="Decides which clients form the holdout.")
    email_policy: Literal["every", "high_risk", "off"] = Field("off", description="Which answers cause a message.")
    email_recipients: tuple[Address, ...] = Field((), max_length=50, description="Who gets the messages.")
    feature_ttl_seconds: float = Field(
        300, ge=1, le=86_400, description="Age at which a stored customer value is read again."
    )
    cache_ttl_seconds: float = Field(60, ge=1, le=86_400, description="Age at which a cached prediction expires.")
    activity_window_seconds: int = Field(
        2_592_000, ge=60, le=31_536_000, description="Window in which earlier sightings are counted."
    )
    call_list_capacity: int = Field(50, ge=1, le=100_000, description="Calls that the team can make a day.")
    maturity_days: int = Field(
        30, ge=1, le=3_650, description="Days without an outcome after which a client counts as retained."
    )

    @model_validator(mode="after")
    def mail_has_recipients(self) -> Self:
        if self.email_policy != "off" and not self.email_recipients:
            keys = {"keys": ("email_policy", "email_recipients")}
            raise PydanticCustomError("recipients", "email_policy needs an address in email_recipients", keys)
        return self

    def resolve(self, name: str) -> str:
        """The `name@version` behind an alias; a `name@version` is its own. Raises UserError."""
        reference = self.aliases.get(name, name)
        if "@" not in reference:
            raise UserError(f"{name!r} is no alias and no name@version: add it to aliases", "aliases")
        return reference

    def served_names(self) -> tuple[str, ...]:
        """Every arm and shadow, the champion first: all that must be loaded to serve this config."""
        return tuple(dict.fromkeys((CHAMPION, *self.experiment.arms, *self.shadow)))


STRUCTURED = frozenset({"aliases", "experiment", "shadow", "email_recipients"})
KEYS = tuple(LiveConfig.model_fields)


class ConfigRefused(UserError):
    """A configuration that may not take effect. `problems` maps a key to what is wrong with it."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {text}" for key, text in problems.items()), next(iter(problems)))
        self.problems = problems


def parse_config(texts: dict[str, str]) -> LiveConfig:
    """The config that rows of text spell. Raises ConfigRefused naming every key at fault."""
    problems: dict[str, str] = {}
    values: dict[str, Any] = {}
    for key, text in texts.items():
        try:
            values[key] = orjson.loads(text) if key in STRUCTURED else text
        except orjson.JSONDecodeError as error:
            problems[key] = f"is not JSON: {error}"
    if problems:
        raise ConfigRefused(problems)
    try:
        return LiveConfig(**values)
    except ValidationError as error:
        raise ConfigRefused(_problems(error)) from None


def _problems(error: ValidationError) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in error.errors():
        inner = ".".join(str(part) for part in line["loc"][1:])
        for key in _keys_at_fault(line):
            found.setdefault(key, f"{inner}: {line['msg']}" if inner else line["msg"])
    return found


def _keys_at_fault(line: ErrorDetails) -> tuple[str, ...]:
    """The key, or the several that do not fit together."""
    return (str(line["loc"][0]),) if line["loc"] else line["ctx"]["keys"]
