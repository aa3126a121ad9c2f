"""The manifests as a cluster gets them, and what is asked about them."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.documents import ROOT
from tests.support.services import absent

OVERLAYS = ROOT / "kubernetes" / "overlays"
WORKLOADS = ("CronJob", "Deployment", "Job", "StatefulSet")
Document = dict[str, Any]


def rendered(folder: Path) -> list[Document]:
    """Every object of a kustomization, by kubectl or kustomize."""
    result = subprocess.run([*_builder(), folder], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(result.stdout))


def _builder() -> list[str]:
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    if not shutil.which("kustomize"):
        absent("kubectl or kustomize", "install one to check the rendered manifests")
    return ["kustomize", "build"]


def of_kind(documents: list[Document], *kinds: str) -> Iterator[Document]:
    return (document for document in documents if document["kind"] in kinds)


def template(workload: Document) -> Document:
    """The pod template of a workload."""
    spec = workload["spec"]
    found: Document = (spec["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else spec)["template"]
    return found


def labels(workload: Document) -> dict[str, str]:
    """The labels of a workload's pods."""
    found: dict[str, str] = template(workload)["metadata"]["labels"]
    return found


def component(workload: Document) -> str:
    return labels(workload)["app.kubernetes.io/component"]


def ours(documents: list[Document]) -> list[Document]:
    """The workloads that run the image of the service."""
    return [workload for workload in of_kind(documents, *WORKLOADS) if component(workload) != "redis"]


def named(documents: list[Document], kind: str, name: str) -> Document:
    for document in of_kind(documents, kind):
        if document["metadata"]["name"] == name:
            return document
    pytest.fail(f"there is no {kind} {name}")


def names(documents: list[Document], kind: str) -> set[str]:
    return {document["metadata"]["name"] for document in of_kind(documents, kind)}


def matches(selector: Document, labels: dict[str, str]) -> bool:
    """Whether a label selector picks an object that carries `labels`."""
    wanted = selector.get("matchLabels", {}).items()
    rules = selector.get("matchExpressions", [])
    return all(labels.get(key) == value for key, value in wanted) and all(
        rule["operator"] == "In" and labels.get(rule["key"]) in rule["values"] for rule in rules
    )
