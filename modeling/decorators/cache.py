"""Answers that were given before."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from helpers.canonical import digest, rounded
from modeling.decorators.base import ModelDecorator
from modeling.inputs import values_of
from modeling.interface import MLModel

Values = Mapping[str, Any]


class Cache(Protocol):
    """A store of what JSON can hold, whose entries lapse. It never raises: a store that is away is an empty one."""

    def get_many(self, keys: Sequence[str]) -> Mapping[str, Values]: ...

    def set_many(self, entries: Mapping[str, Values], ttl_seconds: float) -> None: ...


class Rules(Protocol):
    """For how long answers are kept, in seconds (0: not at all), and which inputs may share one: those that differ
    only in fields other than `cache_fields` (none given: all count), or behind so many decimals (None: no two)."""

    @property
    def cache_ttl_seconds(self) -> float: ...

    @property
    def cache_fields(self) -> tuple[str, ...]: ...

    @property
    def cache_decimals(self) -> int | None: ...


class Cached(ModelDecorator):
    """Remembers the answers of a deterministic model by the `rules()` of the moment; any other model is just asked.

    The key is the SHA-256 of the canonical JSON of the chosen fields with the model's name, version and schema, so
    every process agrees on it. Inputs that JSON cannot hold, or only in part, are not remembered; a model that does
    not read all of `cache_fields` goes by all that it reads. An entry that is no answer is a miss, and is overwritten.
    """

    def __init__(self, model: MLModel, cache: Cache, *, rules: Callable[[], Rules]) -> None:
        super().__init__(model)
        self._cache = cache
        self._rules = rules
        self._identity = digest([model.qualified_name, model.version, _schema_digest(model)])
        hidden = any(field.exclude for field in model.input_schema.model_fields.values())
        self._remembers = model.deterministic and not hidden

    def predict(self, data: BaseModel) -> Any:
        return self.predict_many([data])[0]

    def predict_many(self, data: Sequence[BaseModel]) -> list[Any]:
        rules = self._rules()
        if not self._remembers_by(rules):
            return self.model.predict_many(data)
        try:
            keys = [self.key(one, rules) for one in data]
        except TypeError:
            return self.model.predict_many(data)
        answers = self._found(keys)
        missing = {key: one for key, one in zip(keys, data, strict=True) if key not in answers}
        if missing:
            answers |= self._computed(missing, rules.cache_ttl_seconds)
        return [answers[key] for key in keys]

    def predict_plainly(self, data: Sequence[BaseModel]) -> list[float]:
        if not self._remembers_by(self._rules()):
            return self.model.predict_plainly(data)
        return [answer.probability for answer in self.predict_many(data)]

    def key(self, data: BaseModel, rules: Rules) -> str:
        """The name of this input's entry, 64 hexadecimal digits. Raises TypeError for what JSON cannot hold."""
        fields, decimals = rules.cache_fields, rules.cache_decimals
        values = values_of(data)
        if fields and values.keys() >= set(fields):
            values = {name: values[name] for name in fields}
        if decimals is not None:
            values = rounded(values, decimals)
        return digest([self._identity, fields, "all" if decimals is None else decimals, values])

    def _found(self, keys: Sequence[str]) -> dict[str, Any]:
        answers = {}
        for key, values in self._cache.get_many(list(dict.fromkeys(keys))).items():
            try:
                answers[key] = self.output_schema.model_validate(values)
            except ValidationError:
                continue
        return answers

    def _computed(self, missing: Mapping[str, BaseModel], ttl_seconds: float) -> dict[str, Any]:
        answers = dict(zip(missing, self.model.predict_many(list(missing.values())), strict=True))
        entries = {key: answer.model_dump(mode="json", by_alias=True) for key, answer in answers.items()}
        self._cache.set_many(entries, ttl_seconds)
        return answers

    def _remembers_by(self, rules: Rules) -> bool:
        return self._remembers and rules.cache_ttl_seconds > 0


def _schema_digest(model: MLModel) -> str:
    """A trained model's own, which knows the categories too; of any other, that of its pydantic schemas."""
    own: str | None = getattr(model, "schema_digest", None)
    return own or digest([model.input_schema.model_json_schema(), model.output_schema.model_json_schema()])
