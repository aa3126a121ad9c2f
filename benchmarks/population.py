"""Made-up clients of whom everything is known: with which probability each leaves, untreated and under each policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.features import Feature, TableSchema, input_model
from modeling.registry import LoadedModel
from modeling.subscribers import subscribers_with_truth

Doubles = npt.NDArray[np.float64]
MONTHS_WORTH = (6, 36)


@dataclass(frozen=True, eq=False)
class Population:
    """`bodies` are what a back end would send; `chances` (N,) of leaving when left alone, `values` (N,) lifetime
    values, `luck` (N,) decides: who leaves with probability p does when their luck is below p."""

    ids: tuple[str, ...]
    bodies: tuple[dict[str, Any], ...]
    chances: Doubles
    values: Doubles
    luck: Doubles


@dataclass(frozen=True, slots=True)
class Policy:
    """What an arm does: clients whom its `model` scores at `cutoff` or higher are contacted, and then leave with a
    probability that is lower by the share `lift`."""

    model: LoadedModel
    cutoff: float
    lift: float

    def chances(self, population: Population) -> Doubles:
        """Each client's probability of leaving, (N,), were everybody in this arm."""
        accepts = input_model(self.model.schema)
        found = self.model.model.predict_many([accepts.model_validate(body) for body in population.bodies])
        contacted = np.array([answer.probability for answer in found]) >= self.cutoff
        return population.chances * np.where(contacted, 1 - self.lift, 1.0)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a readout is to find: the churn rate of each arm, and the money saved a treated client."""

    rates: Mapping[str, float]
    saved_per_client: float


def population(schema: TableSchema, clients: int, seed: int) -> Population:
    """So many subscribers, drawn by the seed; their ids tell it. The models must not have been trained on them."""
    table, chances = subscribers_with_truth(clients, seed)
    random = np.random.default_rng(seed)
    months = random.uniform(*MONTHS_WORTH, clients)
    rows = zip(*(table[feature.name] for feature in schema.features), strict=True)
    return Population(
        ids=tuple(f"{seed}-{number}" for number in range(clients)),
        bodies=tuple(_body(schema, row) for row in rows),
        chances=chances,
        values=(np.array(table["monthly_charge"]) * months).round(2),
        luck=random.random(clients),
    )


def truth(population: Population, policies: Mapping[str, Policy], shares: Mapping[str, float]) -> Truth:
    """Over the whole population, from its probabilities alone. Who is treated meets the arms by their shares."""
    chances = {arm: policy.chances(population) for arm, policy in policies.items()}
    treated = sum((shares[arm] * found for arm, found in chances.items()), np.zeros(len(population.ids)))
    saved = (population.values * (population.chances - treated)).mean()
    return Truth({arm: float(found.mean()) for arm, found in chances.items()}, float(saved))


def _body(schema: TableSchema, row: tuple[Any, ...]) -> dict[str, Any]:
    return {feature.name: _cell(feature, value) for feature, value in zip(schema.features, row, strict=True)}


def _cell(feature: Feature, value: Any) -> Any:
    """Gaps are empty text in the table, flags Yes and No."""
    if value == "":
        return None
    return value == "Yes" if feature.kind == "boolean" else value
