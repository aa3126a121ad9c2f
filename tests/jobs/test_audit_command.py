"""The audit finds whatever is not as the locks, the records and the checksums say, and what advisories say of it."""

import base64
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs import advisories, dependencies
from tests.support.deployment import ROOT

CODE = b"ANSWER = 42\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of packages with one in it, `Some.Thing` 1.2."""
    (tmp_path / "thing.py").write_bytes(CODE)
    info = tmp_path / "some_thing-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Some.Thing\nVersion: 1.2\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(CODE).digest()).rstrip(b"=").decode()
    (info / "RECORD").write_text(f"thing.py,sha256={digest},{len(CODE)}\nsome_thing-1.2.dist-info/RECORD,,\n")
    return tmp_path


def test_a_lock_is_read_with_its_markers_and_extras(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(
        "# made by a tool\nSome.Thing[more]==1.2 \\\n    --hash=sha256:00\n    # via x\n"
        "colorama==0.4 ; sys_platform == 'win32' \\\n    --hash=sha256:01\n"
        "uvloop==9 ; sys_platform != 'win32' \\\n    --hash=sha256:02\n"
    )
    assert dependencies.locked(lock) == {"some-thing": "1.2", "uvloop": "9"}


@pytest.mark.parametrize(
    ("needed", "allowed", "problems"),
    [
        ({"some-thing": "1.2"}, {}, []),
        ({}, {"some-thing": "1.2", "absent": "1"}, []),
        ({"some-thing": "1.3"}, {}, ["some-thing 1.2 is installed; the locks say 1.3"]),
        ({}, {}, ["some-thing 1.2 is installed; the locks say nothing of it"]),
        ({"some-thing": "1.2", "other": "1"}, {}, ["other 1 is not installed"]),
    ],
)
def test_other_versions_missing_and_further_packages_are_found(
    folder: Path, needed: dict[str, str], allowed: dict[str, str], problems: list[str]
) -> None:
    assert list(dependencies.strays(dependencies.installed(folder), needed, allowed)) == problems


def test_files_as_they_were_installed_are_no_problem(folder: Path) -> None:
    found = dependencies.installed(folder)
    assert [*dependencies.changed_files(found), *dependencies.ownerless_files(found, folder)] == []


@pytest.mark.parametrize("tamper", [lambda path: path.write_bytes(b"ANSWER = 43\n"), Path.unlink])
def test_a_changed_or_missing_file_is_found(folder: Path, tamper: Callable[[Path], object]) -> None:
    tamper(folder / "thing.py")
    (problem,) = dependencies.changed_files(dependencies.installed(folder))
    assert "some-thing: thing.py" in problem


@pytest.mark.parametrize("name", ["evil.pth", "sitecustomize.py", "thing/extra.so"])
def test_code_of_no_package_is_found(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    (problem,) = dependencies.ownerless_files(dependencies.installed(folder), folder)
    assert str(folder / name) in problem


@pytest.mark.parametrize("name", ["htmx/htmx.min.js", "htmx/LICENSE", "htmx/more.js"])
def test_a_vendored_file_that_is_changed_gone_or_new_is_found(tmp_path: Path, name: str) -> None:
    shutil.copytree(ROOT / "static" / "vendor", tmp_path / "vendor")
    assert list(dependencies.vendored(tmp_path / "vendor")) == []
    path = tmp_path / "vendor" / name
    path.unlink() if name.endswith("LICENSE") else path.write_text("evil()")
    problems = list(dependencies.vendored(tmp_path / "vendor"))
    assert problems[0].startswith(name)
    assert ("htmx has no licence beside it" in problems) == name.endswith("LICENSE")


def advisory(**affected: Any) -> dict[str, Any]:
    found = {"package": {"ecosystem": "PyPI", "name": "Some_Thing"}, **affected}
    return {"id": "PYSEC-1", "summary": "Reads any file.", "affected": [found]}


def events(*each: dict[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(each)}]}


@pytest.mark.parametrize(
    ("found", "concerned"),
    [
        (advisory(versions=["1.1", "1.2"]), True),
        (advisory(versions=["1.1"]), False),
        (advisory(**events({"introduced": "0"}, {"fixed": "1.10"})), True),
        (advisory(**events({"introduced": "0"}, {"fixed": "1.2"})), False),
        (advisory(**events({"introduced": "1.3"})), False),
        (advisory(**events({"introduced": "0"}, {"last_affected": "1.2"})), True),
        (advisory(**events({"introduced": "0"}, {"last_affected": "1.1"})), False),
        (advisory(**events({"introduced": "not a version"})), True),
        ({**advisory(versions=["1.2"]), "withdrawn": "2026-01-01T00:00:00Z"}, False),
        (advisory(package={"ecosystem": "npm", "name": "some-thing"}, versions=["1.2"]), False),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_an_advisory_of_a_version_in_use_is_found(
    tmp_path: Path, found: dict[str, Any], concerned: bool, packed: bool
) -> None:
    (tmp_path / "PYSEC-1.json").write_text(json.dumps(found))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(tmp_path / "PYSEC-1.json", "PYSEC-1.json")
    read = advisories.read_export(tmp_path / "all.zip" if packed else tmp_path)
    told = list(advisories.that_concern(read, {"PyPI": {"some-thing": "1.2"}}))
    assert told == (["some-thing 1.2: PYSEC-1 Reads any file."] if concerned else [])


def test_the_vendored_packages_are_known_by_their_lock() -> None:
    found = advisories.npm_packages(ROOT / "static" / "vendor-src" / "package-lock.json")
    assert {"htmx.org", "swagger-ui-dist", "uplot"} <= found.keys()
