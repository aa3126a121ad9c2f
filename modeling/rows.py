"""Inputs that several models are asked about, and what they share."""

from collections.abc import Sequence
from typing import Any, overload

from pydantic import BaseModel

from modeling.encoding import Encoder, Floats
from modeling.inputs import values_of


class Rows(Sequence[BaseModel]):
    """Inputs in order. They are encoded once for all models of one schema, whichever of the inputs each reads."""

    def __init__(self, inputs: Sequence[BaseModel]) -> None:
        self._inputs = inputs
        self._encoded: dict[str, Floats] = {}

    @overload
    def __getitem__(self, place: int) -> BaseModel: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[BaseModel]: ...
    def __getitem__(self, place: Any) -> Any:
        return self._inputs[place]

    def __len__(self) -> int:
        return len(self._inputs)

    def some(self, places: Sequence[int]) -> "Rows":
        """Those at `places`, in that order."""
        return self if len(places) == len(self) else _Some(self, places)

    def encoded(self, encoder: Encoder) -> Floats:
        """Shape (N, F)."""
        found = self._encoded.get(encoder.digest)
        if found is None:
            found = self._encoded[encoder.digest] = encoder.encode_many([values_of(one) for one in self._inputs])
        return found


class _Some(Rows):
    def __init__(self, whole: Rows, places: Sequence[int]) -> None:
        super().__init__([whole[place] for place in places])
        self._whole, self._places = whole, places

    def encoded(self, encoder: Encoder) -> Floats:
        found: Floats = self._whole.encoded(encoder)[self._places]
        return found
