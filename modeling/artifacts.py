"""A model's folder, `VAR_DIR/models/<name>/<version>/`: written whole or not at all.

`manifest.json` lists the SHA-256 of every other file; `verification` reads no folder that differs from it.
"""

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from helpers.canonical import canonical_json
from helpers.errors import UserError

CARD, SCHEMA, REFERENCE, MANIFEST = "card.json", "schema.json", "reference.json", "manifest.json"
GRAPH, TREES, RULES, PLOTS = "model.onnx", "trees.txt", "rules.json", "plots"

NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
VERSION = re.compile(r"[1-9][0-9]{0,8}")


class ModelRefused(UserError):
    """A model that must not be loaded; the message says which file, and why."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The verified content of a model folder: relative path → bytes, without the manifest."""

    name: str
    version: str
    files: Mapping[str, bytes]
    manifest_sha256: str

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"

    def file(self, path: str) -> bytes:
        """Raises ModelRefused when the folder has no such file."""
        if path not in self.files:
            raise ModelRefused(f"model {self.ref} is refused: {path} is missing; train it again")
        return self.files[path]


def parse_ref(ref: str) -> tuple[str, str]:
    """`name@version` in two. Raises ModelRefused when it is not of that form."""
    name, _, version = ref.partition("@")
    if not (NAME.fullmatch(name) and VERSION.fullmatch(version)):
        raise ModelRefused(f"{ref!r} is not a model: write it as name@version, such as additive@1", "model")
    return name, version


def check_name(name: str) -> str:
    """The name itself. Raises UserError when a model cannot be called that."""
    if not NAME.fullmatch(name):
        raise UserError(f"{name!r} cannot be a model's name: use a-z, 0-9, _ and -, at most 64", "name")
    return name


def versions(models_dir: Path, name: str) -> list[int]:
    """The versions of a model that are on disk, ascending."""
    folder = models_dir / check_name(name)
    found = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(int(path.name) for path in found if VERSION.fullmatch(path.name))


def write_folder(models_dir: Path, name: str, version: int, files: Mapping[str, bytes]) -> Path:
    """Writes the files and their manifest, then shows the folder in one rename.

    Raises UserError when that version exists: a version is never overwritten.
    """
    target = models_dir / check_name(name) / str(version)
    draft = models_dir / f".draft-{uuid.uuid4().hex}"
    manifest = {"files": {path: hashlib.sha256(body).hexdigest() for path, body in sorted(files.items())}}
    try:
        for path, body in {**files, MANIFEST: canonical_json(manifest)}.items():
            _write(draft / path, body)
        target.parent.mkdir(parents=True, exist_ok=True)
        _show(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _show(draft: Path, target: Path) -> None:
    """A rename onto a folder that has files in it fails, so two trainings never mix."""
    try:
        draft.rename(target)
    except OSError as error:
        raise UserError(f"model {target.parent.name}@{target.name} exists; train under a new version") from error
