"""Who is asked about: customers of the table that the service was trained on, under their own ids."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Engine

from data.feature_store import customer_ids
from data.feature_store import customers as features_of
from modeling.registry import LoadedModel

RISKY = 1 / 6
Body = dict[str, Any]


def customers(engine: Engine, number: int) -> list[Body]:
    """Bodies of /predict. Ids were given at random, so the first ones in their order are customers drawn at random."""
    with engine.connect() as connection:
        ids = customer_ids(connection, number)
        found = features_of(connection, ids)
    return [{"client_id": each, **found[each]} for each in ids]


def cutoff(model: LoadedModel, bodies: Sequence[Body]) -> float:
    """From which a sixth of these customers, by this model, are at high risk."""
    plain = [{name: value for name, value in body.items() if name != "client_id"} for body in bodies]
    found = model.model.predict_many([model.model.input_schema.model_validate(each) for each in plain])
    line = float(np.quantile([answer.probability for answer in found], 1 - RISKY))
    return round(min(max(line, 0.01), 0.99), 3)


def batches(bodies: Sequence[Body], size: int) -> list[Body]:
    """Bodies of /v1/predict/batch of `size` customers each; some customers are left over where it does not fit."""
    rows = [{"key": place, **body} for place, body in enumerate(bodies)]
    return [{"instances": rows[at : at + size]} for at in range(0, len(rows) - size + 1, size)]
