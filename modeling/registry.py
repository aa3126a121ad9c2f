"""The models that this process can serve, by `name@version`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from modeling.artifacts import CARD, NAME, PLOTS, SCHEMA, VERSION, Folder, ModelRefused, versions
from modeling.card import Card, read_card
from modeling.interface import MLModel
from modeling.runtimes.opening import open_model
from modeling.schema import TableSchema
from modeling.third_party import import_model, schema_of
from modeling.verification import read_folder


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that was checked and opened, decorated and ready to answer; `plain` is the same without decoration.

    `plots` are SVG documents by name (`roc`, …); `reference` is the JSON text of the statistics of its
    training rows, for drift. A model of a third party's class has neither, and no manifest.
    """

    ref: str
    card: Card
    schema: TableSchema
    model: MLModel
    plots: Mapping[str, bytes]
    reference: bytes
    manifest_sha256: str
    plain: MLModel


def identity(model: MLModel) -> MLModel:
    return model


class ModelRegistry:
    """Loads each model once, for all threads. `decorate` wraps every model that is handed out.

    `classes` are `package.module:Class` paths of third parties' models, which keep no folder and are
    offered under their own `qualified_name@version`. Raises ModelRefused when one cannot be made.
    """

    def __init__(
        self,
        models_dir: Path,
        *,
        decorate: Callable[[MLModel], MLModel] = identity,
        classes: Sequence[str] = (),
    ) -> None:
        self._models_dir = models_dir
        self._decorate = decorate
        self._lock = Lock()
        self._loaded: dict[str, LoadedModel] = {}
        for path in classes:
            loaded = self._of_class(import_model(path))
            self._loaded[loaded.ref] = loaded
        self._classes = tuple(self._loaded)

    def load(self, ref: str) -> LoadedModel:
        """The model `name@version`. Raises ModelRefused, saying why, and serves nothing of a bad folder."""
        with self._lock:
            if ref not in self._loaded:
                self._loaded[ref] = self._of_folder(read_folder(self._models_dir, ref))
            return self._loaded[ref]

    def recheck(self, ref: str) -> None:
        """Reads the folder of a model anew, as a process that starts now does. Raises ModelRefused, also where another
        model lies there than the one loaded."""
        loaded = self.load(ref)
        if ref in self._classes:
            return
        if read_folder(self._models_dir, ref).manifest_sha256 != loaded.manifest_sha256:
            raise ModelRefused(f"model {ref} is refused: its folder was exchanged since it was loaded", "model")

    def available(self) -> list[str]:
        """Every model that could be loaded, sorted by name and version; folders are not checked here."""
        names = sorted(path.name for path in self._folders() if NAME.fullmatch(path.name))
        found = [f"{name}@{version}" for name in names for version in versions(self._models_dir, name)]
        return [*found, *(ref for ref in self._classes if ref not in found)]

    def _folders(self) -> list[Path]:
        return list(self._models_dir.iterdir()) if self._models_dir.is_dir() else []

    def _of_folder(self, folder: Folder) -> LoadedModel:
        card = read_card(folder.file(CARD))
        schema = TableSchema.from_json(folder.file(SCHEMA))
        model = open_model(card, schema, folder)
        plots = {path[len(PLOTS) + 1 : -4]: body for path, body in folder.files.items() if path.startswith(f"{PLOTS}/")}
        reference = folder.files.get("reference.json", b"{}")
        digest = folder.manifest_sha256
        return LoadedModel(folder.ref, card, schema, self._decorate(model), plots, reference, digest, model)

    def _of_class(self, model: MLModel) -> LoadedModel:
        card = Card(
            name=model.qualified_name,
            version=model.version,
            runtime="class",
            display_name=model.display_name,
            description=model.description,
        )
        ref = f"{model.qualified_name}@{model.version}"
        if not (NAME.fullmatch(card.name) and VERSION.fullmatch(card.version)):
            raise ModelRefused(
                f"{ref!r} cannot be offered: a model is called name@version, such as additive@1", "model"
            )
        return LoadedModel(ref, card, schema_of(model), self._decorate(model), {}, b"{}", "", model)
