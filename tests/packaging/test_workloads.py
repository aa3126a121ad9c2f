"""What the workloads promise the cluster, and one another."""

from jobs.commands import NAMES
from tests.packaging.rendered import (
    WORKLOADS,
    Document,
    component,
    labels,
    matches,
    named,
    names,
    of_kind,
    ours,
    template,
)

RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def test_pods_are_restricted(cluster: list[Document]) -> None:
    """The Pod Security Standard `restricted`, and a read-only root file system beside it."""
    for workload in of_kind(cluster, *WORKLOADS):
        pod = template(workload)["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == RESTRICTED
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
    namespace = next(of_kind(cluster, "Namespace"))
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_our_pods_run_as_the_user_of_the_image(cluster: list[Document]) -> None:
    for workload in ours(cluster):
        context = template(workload)["spec"]["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (10001, 10001, 10001)


def test_commands_exist(cluster: list[Document]) -> None:
    for workload in ours(cluster):
        args = template(workload)["spec"]["containers"][0].get("args")
        assert args is None if workload["metadata"]["name"] == "holdfast-web" else args[3] in NAMES


def test_what_pods_refer_to_exists(cluster: list[Document]) -> None:
    for workload in of_kind(cluster, *WORKLOADS):
        pod = template(workload)["spec"]
        volumes = pod.get("volumes", [])
        claims = [volume["persistentVolumeClaim"] for volume in volumes if "persistentVolumeClaim" in volume]
        assert {claim["claimName"] for claim in claims} <= names(cluster, "PersistentVolumeClaim")
        assert pod.get("serviceAccountName", "holdfast") in names(cluster, "ServiceAccount")
        for container in pod["containers"]:
            sources = {kind: ref["name"] for source in container.get("envFrom", []) for kind, ref in source.items()}
            assert sources.get("configMapRef") in {None, *names(cluster, "ConfigMap")}
            assert sources.get("secretRef") in {None, "holdfast-secrets"}


def test_every_volume_is_mounted(cluster: list[Document]) -> None:
    for workload in of_kind(cluster, *WORKLOADS):
        pod = template(workload)["spec"]
        own = {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
        mounts = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
        assert mounts == {volume["name"] for volume in pod.get("volumes", [])} | own


def test_selectors_pick_their_pods(cluster: list[Document]) -> None:
    pods = [labels(workload) for workload in of_kind(cluster, *WORKLOADS)]
    for workload in of_kind(cluster, "Deployment", "StatefulSet"):
        assert matches(workload["spec"]["selector"], labels(workload))
    for service in of_kind(cluster, "Service"):
        assert sum(matches({"matchLabels": service["spec"]["selector"]}, pod) for pod in pods) == 1
    for budget in of_kind(cluster, "PodDisruptionBudget"):
        assert sum(matches(budget["spec"]["selector"], pod) for pod in pods) == 1


def test_network_is_shut_and_opened_where_needed(cluster: list[Document]) -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in of_kind(cluster, "NetworkPolicy")}
    everyone = {component(workload) for workload in of_kind(cluster, *WORKLOADS)}
    assert policies["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert _picked(cluster, policies["out-of-holdfast"]) == everyone - {"redis"}
    assert _picked(cluster, policies["into-redis"]) == {"redis"}
    assert _picked(cluster, policies["into-web"]) == {"web"}
    assert _picked(cluster, policies["worker-to-mail"]) == {"worker"}


def test_redis_keeps_its_data(cluster: list[Document]) -> None:
    redis = named(cluster, "StatefulSet", "holdfast-redis")
    assert "--appendonly yes" in redis["spec"]["template"]["spec"]["containers"][0]["command"][-1]
    assert redis["spec"]["volumeClaimTemplates"]


def test_whoever_reads_the_config_sees_the_models_it_names(cluster: list[Document]) -> None:
    for name in ("holdfast-web", "holdfast-worker", "holdfast-schedule"):
        mounts = template(named(cluster, "Deployment", name))["spec"]["containers"][0]["volumeMounts"]
        assert {"name": "models", "mountPath": "/var/lib/holdfast/models", "readOnly": True} in mounts


def test_only_training_writes_models(cluster: list[Document]) -> None:
    writers = set()
    for workload in ours(cluster):
        mounts = template(workload)["spec"]["containers"][0]["volumeMounts"]
        if any(mount["name"] == "models" and not mount.get("readOnly") for mount in mounts):
            writers.add(workload["metadata"]["name"])
    assert writers == {"holdfast-train"}


def _picked(cluster: list[Document], policy: Document) -> set[str]:
    """The components whose pods a network policy is about."""
    chosen = [w for w in of_kind(cluster, *WORKLOADS) if matches(policy["podSelector"], labels(w))]
    return {component(workload) for workload in chosen}
