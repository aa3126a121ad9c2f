"""Reads a model's folder, once every file in it is the one that was written.

The list of the manifest is checked before anything is opened as a model, and the very bytes that were
checked are handed over. Nothing is ever unpickled.
"""

import hashlib
import os
from pathlib import Path, PurePosixPath

import orjson

from modeling.artifacts import MANIFEST, Folder, ModelRefused, parse_ref

SUFFIXES = frozenset({".onnx", ".json", ".txt", ".svg"})
MOST_FILES = 100
LARGEST_FILE = 256 * 1024 * 1024
LARGEST_MANIFEST = 1024 * 1024


def read_folder(models_dir: Path, ref: str) -> Folder:
    """The folder of `name@version`, every file checked. Raises ModelRefused naming the offending file."""
    folder = _folder(models_dir, ref)
    found = _walk(folder, ref)
    text = _read(folder / MANIFEST, ref, LARGEST_MANIFEST)
    listed = _listed(text, ref)
    for path in sorted(found ^ set(listed)):
        _refuse_if(path in found, ref, f"{path} is not in the manifest")
        _refuse_if(path not in found, ref, f"{path} is in the manifest but missing")
    files = {path: _checked(folder, path, digest, ref) for path, digest in listed.items()}
    return Folder(*parse_ref(ref), files, hashlib.sha256(text).hexdigest())


def read_part(models_dir: Path, ref: str, path: str) -> Folder:
    """The folder with one file of it, checked; the other files are not looked at. Raises ModelRefused."""
    folder = _folder(models_dir, ref)
    text = _read(folder / MANIFEST, ref, LARGEST_MANIFEST)
    listed = _listed(text, ref)
    _refuse_if(path not in listed, ref, f"{path} is not in the manifest")
    for part in PurePosixPath(path).parents:
        _refuse_if((folder / part).is_symlink(), ref, f"{part} is a symbolic link")
    return Folder(*parse_ref(ref), {path: _checked(folder, path, listed[path], ref)}, hashlib.sha256(text).hexdigest())


def _folder(models_dir: Path, ref: str) -> Path:
    name, version = parse_ref(ref)
    folder = models_dir / name / version
    _refuse_if(not folder.is_dir(), ref, "there is no such folder; see which models exist, or train it")
    for link in (folder, folder.parent):
        _refuse_if(link.is_symlink(), ref, f"{link.name} is a symbolic link")
    return folder


def _walk(folder: Path, ref: str) -> set[str]:
    """Relative paths of all files but the manifest; nothing is opened."""
    _refuse_if(not (folder / MANIFEST).is_file(), ref, f"{MANIFEST} is missing")
    found = set()
    for path in folder.rglob("*"):
        relative = path.relative_to(folder).as_posix()
        _refuse_if(path.is_symlink(), ref, f"{relative} is a symbolic link")
        _refuse_if(not (path.is_file() or path.is_dir()), ref, f"{relative} is not a plain file")
        if path.is_file():
            found.add(relative)
        _refuse_if(len(found) > MOST_FILES, ref, f"it holds more than {MOST_FILES} files")
    return found - {MANIFEST}


def _listed(text: bytes, ref: str) -> dict[str, str]:
    """The manifest's paths and digests, each path a plain one inside the folder."""
    try:
        files = orjson.loads(text)["files"]
        listed = {str(path): str(digest) for path, digest in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused(ref, f"{MANIFEST} cannot be read") from error
    for path in listed:
        _refuse_if(not _inside(path), ref, f"{path!r} in the manifest leaves the folder")
        _refuse_if(PurePosixPath(path).suffix not in SUFFIXES, ref, f"{path} is not a kind of file that a model has")
    return listed


def _inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts and "\\" not in path and "\0" not in path


def _checked(folder: Path, path: str, digest: str, ref: str) -> bytes:
    body = _read(folder / path, ref, LARGEST_FILE)
    _refuse_if(hashlib.sha256(body).hexdigest() != digest, ref, f"{path} is not the file that was written")
    return body


def _read(path: Path, ref: str, largest: int) -> bytes:
    """The file's bytes; a symbolic link put there since the walk is not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise _refused(ref, f"{path.name} cannot be opened ({error.strerror})") from error
    with os.fdopen(descriptor, "rb") as file:
        body = file.read(largest + 1)
    _refuse_if(len(body) > largest, ref, f"{path.name} is larger than {largest:,} bytes")
    return body


def _refuse_if(condition: bool, ref: str, reason: str) -> None:
    if condition:
        raise _refused(ref, reason)


def _refused(ref: str, reason: str) -> ModelRefused:
    return ModelRefused(f"model {ref} is refused: {reason}", "model")
