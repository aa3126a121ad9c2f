"""The models there are: their cards, whether their folders still are what was written, and their pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import Engine

from data import model_store
from data.model_store import ModelRecord
from helpers.errors import UserError
from modeling.artifacts import CARD, NAME, PLOTS, Folder, ModelRefused, parse_ref
from modeling.card import Card, read_card
from modeling.registry import ModelRegistry
from modeling.verification import read_folder, read_part

MOST = 100
CLASS = "class"


class UnknownModel(UserError):
    """There is no model of that name and version."""


@dataclass(frozen=True, slots=True)
class Known:
    """A model as `model_metadata` has it; `recorded_at` is None where only its folder, or its class, tells of it.

    `problem` says why its card cannot be read: the card has hardly more than the name then.
    """

    card: Card
    recorded_at: datetime | None
    manifest_sha256: str
    problem: str = ""

    @property
    def ref(self) -> str:
        return self.card.ref


@dataclass(frozen=True, slots=True)
class Listing:
    """The newest models first; `older` is where the next page begins, None on the last one. `missing` are those
    that this machine does not have the folder of."""

    models: Sequence[Known]
    older: int | None
    missing: frozenset[str]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a model's folder is like: `problem` says why it would not be served, `plots` are its pictures by name."""

    problem: str
    plots: Sequence[str]


class Models:
    """Reads what is known of models; changes nothing."""

    def __init__(self, engine: Engine, registry: ModelRegistry, models_dir: Path) -> None:
        self._engine = engine
        self._registry = registry
        self._models_dir = models_dir

    def newest(self, before: int | None = None) -> Listing:
        """Those on record, from the one below `before` on; after the last of them those that are not on record."""
        with self._engine.connect() as connection:
            records = model_store.list_models(connection, MOST + 1, before)
            recorded = set(model_store.references(connection))
        there = self._registry.available()
        shown = records[:MOST]
        last = len(records) <= MOST
        others = [self._of_folder(ref) for ref in there if ref not in recorded] if last else []
        models = [*map(_of_record, shown), *others[:MOST]]
        return Listing(models, None if last else shown[-1].id, frozenset(recorded.difference(there)))

    def references(self) -> list[str]:
        """Every model as `name@version`: those on record, the newest first, then the others."""
        with self._engine.connect() as connection:
            recorded = model_store.references(connection)
        return list(dict.fromkeys([*recorded, *self._registry.available()]))

    def one(self, ref: str) -> Known:
        """Raises UnknownModel."""
        name, _, version = ref.partition("@")
        with self._engine.connect() as connection:
            record = model_store.find(connection, name, version)
        if record:
            return _of_record(record)
        if ref not in self._registry.available():
            raise UnknownModel(f"there is no model {ref}; the list has those that there are", "model")
        return self._of_folder(ref)

    def condition(self, known: Known) -> Condition:
        """Every file of the folder is read and checked."""
        if known.card.runtime == CLASS:
            return Condition("", ())
        try:
            folder = _recorded(read_folder(self._models_dir, known.ref), known)
        except ModelRefused as error:
            return Condition(str(error), ())
        names = (path[len(PLOTS) + 1 : -4] for path in folder.files if path.startswith(f"{PLOTS}/"))
        return Condition("", tuple(sorted(names)))

    def plot(self, ref: str, name: str) -> bytes:
        """A picture, as SVG. Raises UnknownModel, and ModelRefused where the manifest does not have the very file."""
        if not NAME.fullmatch(name):
            raise ModelRefused(f"{name!r} is no picture of a model", "plot")
        path = f"{PLOTS}/{name}.svg"
        return _recorded(read_part(self._models_dir, ref, path), self.one(ref)).file(path)

    def _of_folder(self, ref: str) -> Known:
        name, version = parse_ref(ref)
        if not (self._models_dir / name / version).is_dir():
            return Known(self._registry.load(ref).card, None, "")
        try:
            folder = read_part(self._models_dir, ref, CARD)
            return Known(read_card(folder.file(CARD)), None, folder.manifest_sha256)
        except UserError as error:
            return Known(_bare(name, version), None, "", str(error))


def _of_record(record: ModelRecord) -> Known:
    try:
        card = Card.model_validate({**record.card, "name": record.name, "version": record.version})
    except (ValidationError, TypeError):
        problem = f"the card of {record.name}@{record.version} in model_metadata cannot be read"
        return Known(_bare(record.name, record.version), record.created_at, record.manifest_sha256, problem)
    return Known(card, record.created_at, record.manifest_sha256)


def _recorded(folder: Folder, known: Known) -> Folder:
    """Who may write a whole folder may write its manifest too: that is another one than was put on record then."""
    if folder.manifest_sha256 != known.manifest_sha256:
        raise ModelRefused(f"model {folder.ref} is refused: its manifest is not the one that was recorded", "model")
    return folder


def _bare(name: str, version: str) -> Card:
    return Card(name=name, version=version, runtime="onnx")
