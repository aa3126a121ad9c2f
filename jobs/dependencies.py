"""Whether what is installed, and what is vendored, is what the lock files say. Nothing is asked of the network."""

import base64
import hashlib
import re
import sysconfig
from collections.abc import Iterator
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$", re.MULTILINE)
_CODE = {".py", ".pth", ".so", ".pyd"}
FOLDER = Path(sysconfig.get_path("purelib"))
"""Where this interpreter's packages are."""
SEEDS = frozenset({"pip", "setuptools", "wheel"})
"""What a new virtual environment has of itself."""


def locked(lock: Path) -> dict[str, str]:
    """The versions that the lock file wants on this system, by package."""
    found = _LOCKED.findall(lock.read_text(encoding="utf-8"))
    return {canonicalize_name(name): version for name, version, on in found if not on or Marker(on).evaluate()}


def installed(folder: Path = FOLDER) -> dict[str, Distribution]:
    """What is installed in the folder, by package."""
    return {canonicalize_name(each.name): each for each in distributions(path=[str(folder)])}


def strays(found: dict[str, Distribution], needed: dict[str, str], allowed: dict[str, str]) -> Iterator[str]:
    """What is `needed` and not there, or there in no version that a lock names. `allowed` may be absent."""
    yield from (f"{name} {needed[name]} is not installed" for name in sorted(needed.keys() - found.keys()))
    for name in sorted(found.keys() - SEEDS):
        wanted = needed.get(name) or allowed.get(name)
        if found[name].version != wanted:
            yield f"{name} {found[name].version} is installed; the locks say {wanted or 'nothing of it'}"


def changed_files(found: dict[str, Distribution]) -> Iterator[str]:
    """Files of packages that are gone, or are not as they were installed."""
    for name, each in sorted(found.items()):
        for file in each.files or ():
            if file.hash and not _is_as_recorded(file):
                yield f"{name}: {file} is not as it was installed"


def ownerless_files(found: dict[str, Distribution], folder: Path = FOLDER) -> Iterator[str]:
    """Code beside the packages in the folder that belongs to none of them."""
    owned = {Path(str(file.locate())).resolve() for each in found.values() for file in each.files or ()}
    for path in sorted(folder.rglob("*")):
        if path.suffix in _CODE and path.resolve() not in owned and path.name != "_virtualenv.py":
            yield f"{path.name} belongs to no package: {path}"


def vendored(folder: Path) -> Iterator[str]:
    """Files in `folder` that its CHECKSUMS.sha256 does not have as they are, and packages without their licence."""
    lines = (folder / "CHECKSUMS.sha256").read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    del files["CHECKSUMS.sha256"]
    for name in sorted(listed.keys() | files.keys()):
        if name not in files or hashlib.sha256(files[name].read_bytes()).hexdigest() != listed.get(name):
            yield f"{name} is not as CHECKSUMS.sha256 lists it"
    for package in sorted({name.split("/")[0] for name in files}):
        if not any(name.startswith(f"{package}/LICENSE") for name in files):
            yield f"{package} has no licence beside it"


def _is_as_recorded(file: PackagePath) -> bool:
    path = Path(str(file.locate()))
    if file.hash is None or not path.is_file():
        return False
    digest = hashlib.new(file.hash.mode, path.read_bytes()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value
