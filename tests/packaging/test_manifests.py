"""The manifests, each by the schema of Kubernetes, and what they say about settings and secrets."""

import kubernetes_validate
import pytest
import yaml

from tests.packaging.documents import CLOUD, ROOT, SETTINGS, manifests, variables
from tests.packaging.rendered import WORKLOADS, Document, names, of_kind, template

KUBERNETES = ROOT / "kubernetes"
SOURCES = [
    pytest.param(document, id=f"{path.stem}-{document['kind']}-{document['metadata']['name']}")
    for path, document in manifests()
    if path.name != "kustomization.yaml"
]


@pytest.mark.parametrize("document", SOURCES)
def test_source_follows_the_schema(document: Document) -> None:
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_rendered_objects_follow_the_schema(cluster: list[Document]) -> None:
    for document in cluster:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_every_file_is_part_of_the_base() -> None:
    base = KUBERNETES / "base"
    listed = yaml.safe_load((base / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    assert sorted(listed) == sorted(path.name for path in base.glob("*.yaml") if path.name != "kustomization.yaml")


def test_everything_asked_for_is_there(cluster: list[Document]) -> None:
    kinds = {document["kind"] for document in cluster}
    assert {"ConfigMap", "Ingress", "Namespace", "NetworkPolicy", "PersistentVolumeClaim", "Service"} <= kinds
    assert names(cluster, "Deployment") == {"holdfast-web", "holdfast-worker", "holdfast-schedule"}
    assert names(cluster, "StatefulSet") == {"holdfast-redis"}


def test_no_secret_is_written_down(cluster: list[Document]) -> None:
    assert not names(cluster, "Secret")
    for workload in of_kind(cluster, *WORKLOADS):
        for container in template(workload)["spec"]["containers"]:
            assert not [given for given in container.get("env", []) if "value" in given]


def test_example_of_secrets_names_real_settings_without_values() -> None:
    secrets = variables(KUBERNETES / "secrets.env.example")
    assert set(secrets) <= SETTINGS | CLOUD | {"REDIS_PASSWORD"}
    assert {"ACCESS_TOKEN", "SECRET_KEY", "DATABASE_URL", "REDIS_URL"} <= set(secrets)
    assert set(secrets.values()) == {""}


def test_settings_are_real(cluster: list[Document]) -> None:
    for settings in of_kind(cluster, "ConfigMap"):
        assert set(settings["data"]) <= SETTINGS | CLOUD
