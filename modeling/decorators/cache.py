"""Answers that were given before."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from helpers.canonical import digest
from modeling.decorators.base import ModelDecorator
from modeling.inputs import values_of
from modeling.interface import MLModel


class Cache(Protocol):
    """A store of bytes whose entries lapse. It never raises: a store that is away is an empty one."""

    def get(self, key: str) -> bytes | None: ...

    def set(self, key: str, value: bytes, ttl_seconds: float) -> None: ...


class Cached(ModelDecorator):
    """Remembers the answers of a deterministic model for `ttl_seconds()`; any other model is just asked.

    0 seconds switch the cache off. The key is the SHA-256 of the canonical JSON of the chosen fields (default:
    all) with the model's name, version and schema, so every process agrees on it and no two inputs share one.
    An entry that does not read back as an answer is a miss, and is overwritten.
    """

    def __init__(
        self, model: MLModel, cache: Cache, fields: Sequence[str] | None = None, *, ttl_seconds: Callable[[], float]
    ) -> None:
        super().__init__(model)
        self._cache = cache
        self._fields = None if fields is None else tuple(fields)
        self._ttl_seconds = ttl_seconds
        self._identity = [model.qualified_name, model.version, _schema_digest(model)]

    def predict(self, data: BaseModel) -> Any:
        return self.predict_many([data])[0]

    def predict_many(self, data: Sequence[BaseModel]) -> list[Any]:
        ttl = self._ttl_seconds()
        if not self.deterministic or ttl <= 0:
            return self.model.predict_many(data)
        keys = [self.key(one) for one in data]
        answers = {key: answer for key in dict.fromkeys(keys) if (answer := self._found(key)) is not None}
        missing = {key: one for key, one in zip(keys, data, strict=True) if key not in answers}
        answers |= dict(zip(missing, self._computed(missing, ttl), strict=True))
        return [answers[key] for key in keys]

    def key(self, data: BaseModel) -> str:
        """The name of this input's entry, 64 hexadecimal digits."""
        values = values_of(data)
        chosen = values if self._fields is None else {name: values.get(name) for name in self._fields}
        return digest([*self._identity, chosen])

    def _found(self, key: str) -> Any:
        entry = self._cache.get(key)
        if entry is None:
            return None
        try:
            return self.output_schema.model_validate_json(entry)
        except ValidationError:
            return None

    def _computed(self, missing: dict[str, BaseModel], ttl: float) -> list[Any]:
        if len(missing) == 1:
            answers = [self.model.predict(one) for one in missing.values()]
        else:
            answers = self.model.predict_many(list(missing.values()))
        for key, answer in zip(missing, answers, strict=True):
            self._cache.set(key, answer.model_dump_json().encode(), ttl)
        return answers


def _schema_digest(model: MLModel) -> str:
    """A trained model's own, which knows the categories too; of any other, that of its pydantic schemas."""
    own: str | None = getattr(model, "schema_digest", None)
    return own or digest([model.input_schema.model_json_schema(), model.output_schema.model_json_schema()])
