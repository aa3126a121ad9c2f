"""How the web pods start, stop, grow and are reached."""

import ast
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.packaging.documents import ROOT
from tests.packaging.rendered import OVERLAYS, Document, named, names, of_kind, rendered, template


def test_web_is_probed_scaled_and_spread(cluster: list[Document]) -> None:
    pod = template(named(cluster, "Deployment", "holdfast-web"))["spec"]
    container = pod["containers"][0]
    paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "readiness", "liveness")}
    assert paths == {"startup": "/health/startup", "readiness": "/health/ready", "liveness": "/health"}
    assert {rule["topologyKey"] for rule in pod["topologySpreadConstraints"]} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }
    scaling = named(cluster, "HorizontalPodAutoscaler", "holdfast-web")["spec"]
    assert scaling["minReplicas"] == 2
    assert scaling["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 50}
    assert "replicas" not in named(cluster, "Deployment", "holdfast-web")["spec"]


def test_production_scales_to_ten() -> None:
    assert named(rendered(OVERLAYS / "prod"), "HorizontalPodAutoscaler", "holdfast-web")["spec"]["maxReplicas"] == 10


def test_pod_outlives_its_draining(cluster: list[Document]) -> None:
    """The pause before the end and gunicorn's own patience must leave time to ship what was answered, and the pause
    must be longer than it takes until nobody sends anything."""
    pod = template(named(cluster, "Deployment", "holdfast-web"))["spec"]
    pause = int(next(of_kind(cluster, "ConfigMap"))["data"]["DRAIN_SECONDS"])
    assert pause + _gunicorn("PATIENCE_SECONDS") + 15 <= pod["terminationGracePeriodSeconds"]
    probe = pod["containers"][0]["readinessProbe"]
    assert pause >= probe["periodSeconds"] * probe["failureThreshold"]


def test_outbox_fits_its_volume(cluster: list[Document]) -> None:
    """The kubelet evicts a pod whose volume is over its limit: predictions must stop well before that."""
    pod = template(named(cluster, "Deployment", "holdfast-web"))["spec"]
    limit = next(volume for volume in pod["volumes"] if volume["name"] == "var")["emptyDir"]["sizeLimit"]
    settings = next(of_kind(cluster, "ConfigMap"))["data"]
    assert int(settings["SPOOL_MAX_BYTES"]) <= int(limit.removesuffix("Gi")) * 2**30 / 1.5


def test_spool_can_be_shared_by_all_pods(tmp_path: Path) -> None:
    kubernetes = Path(os.path.relpath(ROOT / "kubernetes", tmp_path))
    parts = {"resources": [str(kubernetes / "base")], "components": [str(kubernetes / "components" / "shared-spool")]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(parts), encoding="utf-8")
    cluster = rendered(tmp_path)
    pod = template(named(cluster, "Deployment", "holdfast-web"))["spec"]
    spool = next(mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "spool")
    assert spool == {"name": "spool", "mountPath": "/var/lib/holdfast/spool"}
    volume = next(volume for volume in pod["volumes"] if volume["name"] == "spool")
    assert volume["persistentVolumeClaim"]["claimName"] in names(cluster, "PersistentVolumeClaim")


def test_ingress_serves_the_public_address_over_tls(cluster: list[Document]) -> None:
    ingress = named(cluster, "Ingress", "holdfast-web")["spec"]
    public = urlsplit(next(of_kind(cluster, "ConfigMap"))["data"]["PUBLIC_URL"])
    assert public.scheme == "https"
    assert [rule["host"] for rule in ingress["rules"]] == [public.netloc]
    assert [host for tls in ingress["tls"] for host in tls["hosts"]] == [public.netloc]
    backend = ingress["rules"][0]["http"]["paths"][0]["backend"]["service"]
    ports = named(cluster, "Service", backend["name"])["spec"]["ports"]
    assert backend["port"]["name"] in {port["name"] for port in ports}


def _gunicorn(name: str) -> Any:
    """A plain value in gunicorn.conf.py, which cannot be imported without side effects."""
    tree = ast.parse((ROOT / "gunicorn.conf.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    pytest.fail(f"gunicorn.conf.py does not set {name}")
