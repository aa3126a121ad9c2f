"""docker-compose.yml against the Compose Specification's own schema, the settings and its `.env`."""

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from app_settings import load_settings
from jobs.commands import NAMES
from tests.packaging.documents import CLOUD, ROOT, SETTINGS, compose, interpolated, required, variables
from tests.support.peers import S3Peer

SERVICES: dict[str, dict[str, Any]] = compose()["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
ONCE = [name for name, service in SERVICES.items() if service.get("restart") == "no"]
EXAMPLE = ROOT / ".env.example"


@pytest.fixture(scope="module")
def filled_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `.env` that the example's own command writes."""
    folder = tmp_path_factory.mktemp("compose")
    (folder / EXAMPLE.name).write_bytes(EXAMPLE.read_bytes())
    command = next(line[2:] for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if "umask" in line)
    subprocess.run(["sh", "-c", command], cwd=folder, check=True)
    return folder / ".env"


def test_file_follows_the_specification() -> None:
    schema = json.loads((Path(__file__).with_name("compose-spec.json")).read_text(encoding="utf-8"))
    jsonschema.validate(compose(), schema, cls=jsonschema.Draft7Validator)


def test_every_service_that_stays_says_whether_it_is_well() -> None:
    silent = {name for name, service in SERVICES.items() if "test" not in service.get("healthcheck", {})}
    assert silent == set(ONCE)


def test_what_is_waited_for_can_be_waited_for() -> None:
    waits = [(needed, how["condition"]) for service in SERVICES.values() for needed, how in _needs(service)]
    assert waits
    for needed, condition in waits:
        assert condition == ("service_completed_successfully" if needed in ONCE else "service_healthy")


def test_every_part_of_the_service_is_there() -> None:
    assert {"web", "worker", "schedule", "mysql", "redis", "mail", "s3"} <= set(SERVICES)
    assert "--appendonly yes" in " ".join(SERVICES["redis"]["command"])


def test_images_and_volumes_are_named() -> None:
    for name, service in SERVICES.items():
        assert re.search(r":(?!latest$)[\w.-]+$", service["image"]), name
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert mounted == set(compose()["volumes"])


@pytest.mark.parametrize("name", OURS)
def test_our_containers_are_shut_in(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(folder.startswith("/") for folder in service["tmpfs"])


@pytest.mark.parametrize("name", OURS)
def test_our_containers_know_only_real_settings(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= SETTINGS | CLOUD


@pytest.mark.parametrize("name", ["worker", "schedule", "init"])
def test_commands_exist(name: str) -> None:
    assert SERVICES[name]["command"][:3] == ["flask", "--app", "app"]
    assert SERVICES[name]["command"][3] in NAMES


@pytest.mark.parametrize("name", ["web", "worker", "schedule"])
def test_whoever_reads_the_config_sees_the_models_it_names(name: str) -> None:
    assert "models:/var/lib/holdfast/models:ro" in SERVICES[name]["volumes"]
    assert "VAR_DIR" not in SERVICES[name]["environment"]


def test_ports_are_open_to_this_machine_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_is_written_down() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"TOKEN|SECRET|PASSWORD|KEY|AUTH", key) and key != "MYSQL_RANDOM_ROOT_PASSWORD":
                assert re.fullmatch(r"\$\{\w+:(\?[^}]+|-)\}", value), (name, key)
            if "@" in value and "://" in value:
                assert re.search(r":\$\{\w+:\?[^}]+\}@", value), (name, key)


def test_example_names_what_compose_requires_without_a_value() -> None:
    example = variables(EXAMPLE)
    assert set(example) == required((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert set(example.values()) == {""}


def test_example_command_fills_in_secrets_for_the_owner_alone(filled_in: Path) -> None:
    secrets = variables(filled_in)
    assert set(secrets) == set(variables(EXAMPLE))
    assert len(set(secrets.values())) == len(secrets)
    assert min(map(len, secrets.values())) >= 32
    assert filled_in.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_settings_accept_what_compose_hands_over(filled_in: Path, environment: str) -> None:
    secrets = {**variables(filled_in), "ENVIRONMENT": environment}
    environ = {key: interpolated(value, secrets) for key, value in SERVICES["web"]["environment"].items()}
    settings = load_settings(environ)
    assert settings.environment == environment
    assert settings.access_token.get_secret_value() == secrets["ACCESS_TOKEN"]
    assert settings.database_address() == f"mysql+pymysql://holdfast:{secrets['MYSQL_PASSWORD']}@mysql:3306/holdfast"
    assert settings.redis_address() == f"redis://:{secrets['REDIS_PASSWORD']}@redis:6379/0"


def test_compose_refuses_to_start_without_a_secret(filled_in: Path) -> None:
    for name in variables(EXAMPLE):
        secrets = {**variables(filled_in), name: ""}
        text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
        with pytest.raises(KeyError, match=name):
            interpolated(text, secrets)


def test_bucket_is_made_once(s3_peer: S3Peer) -> None:
    interpreter, *words = SERVICES["bucket"]["command"]
    assert interpreter == "python"
    region = {"AWS_DEFAULT_REGION": SERVICES["bucket"]["environment"]["AWS_DEFAULT_REGION"]}
    name = f"made-{uuid.uuid4().hex}"
    environ = {**os.environ, **region, "S3_ENDPOINT_URL": s3_peer.endpoint_url, "S3_BUCKET": name}
    for _ in range(2):
        subprocess.run([sys.executable, *words], env=environ, check=True)
    buckets = [bucket["Name"] for bucket in s3_peer.client.list_buckets()["Buckets"]]
    assert buckets.count(name) == 1


def _needs(service: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    return list(service.get("depends_on", {}).items())
