"""Reads what is shipped beside the code: the compose file, the manifests and the files of variables."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from app_settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = frozenset(name.upper() for name in Settings.model_fields)
# What boto3 reads by itself.
CLOUD = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"})
_REFERENCE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


def manifests(folder: Path = ROOT / "kubernetes") -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each document under `folder`, kustomizations included, with the file that holds it."""
    for path in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield path, document


def variables(path: Path) -> dict[str, str]:
    """The NAME=value lines of a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line.strip() and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def required(text: str) -> set[str]:
    """The variables that compose refuses to start without."""
    return {found["name"] for found in _REFERENCE.finditer(text) if found["kind"] == "?"}


def interpolated(value: str, environ: Mapping[str, str]) -> str:
    """`value` as compose reads it. Raises KeyError for a required variable that is missing or empty."""

    def replacement(found: "re.Match[str]") -> str:
        if found["name"] is None:
            return "$"
        given = environ.get(found["name"], "")
        if not given and found["kind"] == "?":
            raise KeyError(found["name"])
        return given or (found["rest"] or "" if found["kind"] == "-" else "")

    return _REFERENCE.sub(replacement, value)
