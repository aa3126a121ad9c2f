"""Known faults of packages, from an export of osv.dev on disk: a zip, or a folder, of one JSON file an advisory."""

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

Packages = Mapping[str, Mapping[str, str]]
"""The versions in use, by ecosystem (`PyPI`, `npm`) and package."""


def npm_packages(lock: Path) -> dict[str, str]:
    """The versions that a package-lock.json names."""
    found = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return {path.rpartition("node_modules/")[2]: each["version"] for path, each in found.items() if path}


def read_export(export: Path) -> Iterator[Mapping[str, Any]]:
    """Every advisory of the export."""
    if export.is_dir():
        yield from (json.loads(path.read_bytes()) for path in sorted(export.rglob("*.json")))
        return
    with zipfile.ZipFile(export) as archive:
        yield from (json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json"))


def that_concern(advisories: Iterable[Mapping[str, Any]], packages: Packages) -> Iterator[str]:
    """One line for each advisory, not withdrawn, of a version in use."""
    for advisory in advisories:
        if "withdrawn" in advisory:
            continue
        for affected in advisory.get("affected", []):
            package = affected.get("package", {})
            name = _name(package.get("ecosystem", ""), package.get("name", ""))
            version = packages.get(package.get("ecosystem", ""), {}).get(name)
            if version and _affects(affected, version):
                yield f"{name} {version}: {advisory['id']} {advisory.get('summary', '')}".rstrip()


def _name(ecosystem: str, name: str) -> str:
    return canonicalize_name(name) if ecosystem == "PyPI" else name


def _affects(affected: Mapping[str, Any], version: str) -> bool:
    ranges = [each for each in affected.get("ranges", []) if each["type"] in ("ECOSYSTEM", "SEMVER")]
    return version in affected.get("versions", []) or any(_within(each["events"], version) for each in ranges)


def _within(events: Iterable[Mapping[str, str]], text: str) -> bool:
    """Events in order say where the fault begins and ends. What cannot be compared counts as affected."""
    inside = False
    try:
        version = Version(text)
        for event in events:
            if "introduced" in event and version >= Version(event["introduced"]):
                inside = True
            if "fixed" in event and version >= Version(event["fixed"]):
                inside = False
            if "last_affected" in event and version > Version(event["last_affected"]):
                inside = False
    except InvalidVersion:
        return True
    return inside
