"""No folder is opened that is not byte for byte the one that was written."""

import hashlib
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from helpers.errors import UserError
from modeling import verification
from modeling.artifacts import ModelRefused, versions, write_folder
from modeling.registry import ModelRegistry
from modeling.verification import read_folder

REF = "gradient_boosting@1"


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def models(models_dir: Path, tmp_path: Path) -> Path:
    """A copy of the trained models, to be spoilt."""
    shutil.copytree(models_dir, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def folder(models: Path) -> Path:
    return models / "gradient_boosting" / "1"


def relist(folder: Path, **more: str) -> None:
    """A manifest that vouches for whatever is there now, as an intruder would write it."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    (folder / "manifest.json").write_bytes(orjson.dumps({"files": {**files, **more}}))


def test_an_untouched_folder_is_read_whole(folder: Path, models: Path) -> None:
    found = read_folder(models, REF)
    on_disk = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found.manifest_sha256 == hashlib.sha256(on_disk.pop("manifest.json")).hexdigest()
    assert found.files == on_disk
    assert {"model.onnx", "trees.txt", "card.json", "schema.json", "reference.json", "plots/roc.svg"} <= set(on_disk)


def flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


@pytest.mark.parametrize(
    "name", ["model.onnx", "trees.txt", "card.json", "schema.json", "reference.json", "plots/roc.svg"]
)
@pytest.mark.parametrize("harm", [flip, lambda path: path.write_bytes(path.read_bytes()[:-1]), Path.unlink])
def test_a_changed_cut_or_missing_file_is_named(
    models: Path, folder: Path, name: str, harm: Callable[[Path], None]
) -> None:
    harm(folder / name)
    with pytest.raises(ModelRefused, match=rf"{REF}.*{name}"):
        ModelRegistry(models).load(REF)


@pytest.mark.parametrize("name", ["notes.json", "plots/more.svg", "model.pkl", "sub/deep/model.joblib"])
def test_a_file_that_is_not_listed_is_refused(models: Path, folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"{}")
    with pytest.raises(ModelRefused, match=f"{name} is not in the manifest"):
        ModelRegistry(models).load(REF)


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.pickle", "model", "card.json.pkl"])
def test_a_pickle_is_refused_unopened_even_when_the_manifest_vouches_for_it(
    models: Path, folder: Path, tmp_path: Path, name: str
) -> None:
    (folder / name).write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    relist(folder)
    with pytest.raises(ModelRefused, match=name):
        ModelRegistry(models).load(REF)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    "path", ["../../additive/1/card.json", "/etc/passwd", "a/../../x.json", "..\\x.json", "", "a\0.json"]
)
def test_a_manifest_that_leaves_the_folder_is_refused(models: Path, folder: Path, path: str) -> None:
    relist(folder, **{path: "0" * 64})
    with pytest.raises(ModelRefused, match=r"leaves the folder|is in the manifest but missing"):
        read_folder(models, REF)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"files": 3}', b"null", b"[" * 100_000, b"\xff\xfe"])
def test_an_unreadable_manifest_is_refused(models: Path, folder: Path, text: bytes) -> None:
    (folder / "manifest.json").write_bytes(text)
    with pytest.raises(ModelRefused, match=r"manifest\.json"):
        read_folder(models, REF)


def test_a_missing_manifest_is_refused(models: Path, folder: Path) -> None:
    (folder / "manifest.json").unlink()
    with pytest.raises(ModelRefused, match=r"manifest\.json is missing"):
        read_folder(models, REF)


def test_a_file_that_is_a_link_is_refused(models: Path, folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / "model.onnx", tmp_path / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(ModelRefused, match=r"model\.onnx is a symbolic link"):
        read_folder(models, REF)


@pytest.mark.parametrize("level", ["version", "name"])
def test_a_folder_that_is_a_link_is_refused(models: Path, folder: Path, tmp_path: Path, level: str) -> None:
    moved = folder if level == "version" else folder.parent
    shutil.move(moved, tmp_path / "elsewhere")
    moved.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelRefused, match="symbolic link"):
        read_folder(models, REF)


def test_a_pipe_in_the_folder_is_refused_at_once(models: Path, folder: Path) -> None:
    os.mkfifo(folder / "wait.json")
    with pytest.raises(ModelRefused, match="not a plain file"):
        read_folder(models, REF)


def test_a_file_beyond_the_cap_is_refused(models: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "LARGEST_FILE", 1000)
    with pytest.raises(ModelRefused, match="larger than 1,000 bytes"):
        read_folder(models, REF)


def test_a_folder_of_very_many_files_is_refused(models: Path, folder: Path) -> None:
    for number in range(101):
        (folder / f"{number}.json").write_bytes(b"{}")
    with pytest.raises(ModelRefused, match="more than 100 files"):
        read_folder(models, REF)


REFS = ["../x", "../x@1", "/etc@1", "additive", "additive@", "@1", "additive@0", "additive@01", "additive@1/..", "A@1"]


@pytest.mark.parametrize(
    "ref", [*REFS, "additive@latest", "additive@1\n", "é@1", "additive@1@1", "x" * 65 + "@1", "additive@²"]
)
def test_what_is_no_reference_is_refused_before_the_disk_is_asked(tmp_path: Path, ref: str) -> None:
    with pytest.raises(ModelRefused, match="name@version"):
        ModelRegistry(tmp_path / "never made").load(ref)


def test_a_version_is_never_overwritten(tmp_path: Path) -> None:
    write_folder(tmp_path, "model", 1, {"card.json": b"{}"})
    with pytest.raises(UserError, match="model@1 exists"):
        write_folder(tmp_path, "model", 1, {"card.json": b"[]"})
    assert read_folder(tmp_path, "model@1").file("card.json") == b"{}"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_could_not_be_written_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_folder(tmp_path, "model", 1, {"card.json": b"{}", "x.json": None})  # type: ignore[dict-item]
    assert versions(tmp_path, "model") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../up", "Upper", "a b", "a/b", "-a", "a" * 65])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be a model's name"):
        write_folder(tmp_path, name, 1, {})
