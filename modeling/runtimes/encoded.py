"""A trained model behind its table's schema: values in, code numbers to the model, an answer out."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, TypeAdapter

from modeling.card import Card
from modeling.features import Encoder
from modeling.inputs import input_model, values_of
from modeling.interface import Contribution, MLModel, Prediction
from modeling.rows import Rows
from modeling.schema import TableSchema

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
_PREDICTIONS = TypeAdapter(list[Prediction])  # several are made in less time together


class EncodedModel(MLModel):
    """The common half of every model that is kept in a folder."""

    deterministic = True
    output_schema = Prediction

    def __init__(self, card: Card, schema: TableSchema) -> None:
        self.qualified_name = card.name
        self.display_name = card.display_name or card.name
        self.description = card.description
        self.version = card.version
        self.input_schema = input_model(schema)
        self.base = card.base
        self._names = schema.names
        self._encoder = Encoder(schema)
        self.schema_digest = self._encoder.digest

    @abstractmethod
    def probabilities(self, matrix: Floats) -> Floats:
        """Probabilities of leaving, (N,), of encoded rows, (N, F)."""

    @abstractmethod
    def effects(self, row: Floats) -> Doubles | None:
        """Log-odds that each feature of one encoded row, (F,), added to the base; None when unknown."""

    def effects_many(self, matrix: Floats) -> Doubles | None:
        """The effects of many encoded rows, (N, F)."""
        found = [self.effects(row) for row in matrix]
        return None if any(one is None for one in found) else np.array(found, np.float64)

    def probability(self, row: Floats) -> float:
        """The probability of one encoded row, (F,): that which `probabilities` gives."""
        return float(self.probabilities(row[np.newaxis])[0])

    def predict(self, data: BaseModel) -> Prediction:
        return Prediction(probability=self.probability(self._encoder.encode(values_of(data))))

    def predict_many(self, data: Sequence[BaseModel]) -> list[Prediction]:
        return _PREDICTIONS.validate_python([{"probability": p} for p in self.predict_plainly(data)])

    def predict_plainly(self, data: Sequence[BaseModel]) -> list[float]:
        if not data:
            return []
        rows = data if isinstance(data, Rows) else Rows(data)
        matrix = rows.encoded(self._encoder)
        found: list[float] = [self.probability(matrix[0])] if len(data) == 1 else self.probabilities(matrix).tolist()
        return found

    def explain(self, data: BaseModel) -> tuple[Contribution, ...]:
        values = values_of(data)
        effects = self.effects(self._encoder.encode(values))
        if effects is None:
            return ()
        order = np.argsort(-np.abs(effects), kind="stable").tolist()
        return tuple(Contribution(self._names[i], values.get(self._names[i]), float(effects[i])) for i in order)
