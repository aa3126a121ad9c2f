"""Builds the image and runs it, as root, with buildah and podman: no daemon, and no registry where
stand-ins for the base image can be made.

Images lie in a folder of these tests' own. It outlives a run, so that the next one finds the base image, and the
packages while `requirements.txt` is the same; whoever deletes it begins anew."""

import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from tests.packaging.documents import ROOT
from tests.support.services import absent

BASE = "docker.io/library/python:3.11-slim-bookworm"
STAND_INS = ROOT.parent / "shared" / "tools" / "base-images"
IMAGES = Path("/var/tmp/holdfast-test-images")
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")
SHUT_IN = (
    *("--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp"),
    *("--cap-drop", "all", "--security-opt", "no-new-privileges"),
)
USER = 10001


def require_builder() -> None:
    """Skips unless this machine can build: root, the programs and a base image."""
    missing = [program for program in ("buildah", "podman", "runc") if not shutil.which(program)]
    if os.geteuid() or missing:
        absent("a container builder", "as root on Debian: apt install buildah podman runc debootstrap")
    if _succeeds("buildah", *store(), "inspect", "--type", "image", BASE):
        return
    if STAND_INS.exists():
        _take_stand_in()
    elif not _succeeds("buildah", *store(), "pull", "-q", BASE):
        absent(BASE, "reach a container registry")


@cache
def store() -> tuple[str, ...]:
    """Where images lie: as layers, or where this machine cannot mount those, as copies of all of them."""
    layers, copies = (
        ("--root", f"{IMAGES}/{driver}", "--runroot", f"{IMAGES}/{driver}-run", "--storage-driver", driver)
        for driver in ("overlay", "vfs")
    )
    return layers if _succeeds("buildah", *layers, "info") else copies


@contextmanager
def built(folder: Path) -> Iterator[str]:
    """The name of an image built from this checkout, removed afterwards. `folder` is for a secret."""
    name = f"localhost/holdfast:test-{uuid.uuid4().hex[:8]}"
    # The OCI's own image format knows no health check.
    options = ("--layers", "--format", "docker", "--isolation", "chroot", "--network", "host", "--pull-never")
    call("buildah", *store(), "bud", *options, *_package_index(folder), "-q", "-t", name, ROOT)
    try:
        yield name
    finally:
        call("podman", *store(), "rmi", "--no-prune", name)


def described(image: str) -> dict[str, Any]:
    """The configuration of an image, as Docker spells it: Cmd, Healthcheck, User, ...."""
    inspected = json.loads(call("buildah", *store(), "inspect", "--type", "image", image))
    config: dict[str, Any] = inspected["Docker"]["config"]
    return config


class Container:
    """A running container that shares this machine's network and nothing else, but `volume` as its VAR_DIR."""

    def __init__(self, image: str, command: Sequence[str], environ: Mapping[str, str], volume: Path) -> None:
        self.name = f"holdfast-test-{uuid.uuid4().hex[:8]}"
        given = [word for key, value in environ.items() for word in ("--env", f"{key}={value}")]
        mounted = ("--volume", f"{volume}:/var/lib/holdfast")
        options = ("-d", "--name", self.name, "--network", "host", *SHUT_IN, *mounted, *LIMITS, *given)
        call("podman", *store(), "--runtime", "runc", "run", *options, image, *command)

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """A command beside the running one, as the same user."""
        words = ["podman", *store(), "--runtime", "runc", "exec", self.name, *command]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)

    def logs(self) -> str:
        words = ["podman", *store(), "logs", self.name]
        result = subprocess.run(words, capture_output=True, text=True, check=True)
        return result.stdout + result.stderr

    def stop(self, seconds: int = 40) -> int:
        """Asks for an orderly end; the exit code, 137 when it had to be killed."""
        call("podman", *store(), "--runtime", "runc", "stop", "--time", str(seconds), self.name)
        return int(call("podman", *store(), "inspect", "--format", "{{.State.ExitCode}}", self.name))

    def remove(self) -> None:
        call("podman", *store(), "--runtime", "runc", "rm", "--force", "--volumes", self.name)


def call(*words: str | Path) -> str:
    """What a program prints. Fails the test with what it complains about."""
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{words}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"
    return result.stdout


def _succeeds(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _take_stand_in() -> None:
    """Makes the stand-in in this machine's own store, and copies it into ours."""
    call(STAND_INS, BASE.rpartition("/")[2])
    with tempfile.TemporaryDirectory() as folder:
        archive = f"{folder}/base.tar"
        call("podman", "--storage-driver", "vfs", "save", "-q", "-o", archive, BASE)
        call("podman", *store(), "load", "-q", "-i", archive)


def _package_index(folder: Path) -> tuple[str, ...]:
    """The package index that this machine uses, where it is not the public one, as a secret of the build."""
    index = os.environ.get("PIP_INDEX_URL")
    if not index:
        return ()
    secret = folder / "pip.conf"
    secret.write_text(f"[global]\nindex-url = {index}\n", encoding="utf-8")
    return ("--secret", f"id=pip,src={secret}")
