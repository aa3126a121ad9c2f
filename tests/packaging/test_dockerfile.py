"""The Dockerfile by its linter, and what the build is given to work with."""

import re
import subprocess
import sys
from pathlib import Path

from tests.packaging.documents import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    result = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


def test_build_context_is_the_service_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    given = {line.removeprefix("!") for line in lines if line.startswith("!")}
    code = {path.name for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert "*" in lines
    assert given == code - {"tests", "benchmarks", "faults"} | {"requirements.txt", "static", "templates"}


def test_only_recorded_packages_get_in() -> None:
    installs = re.findall(r"pip [^&]*\sinstall (.*?)&&", DOCKERFILE, re.DOTALL)
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "--only-binary :all:" in installs[0]


def test_image_runs_as_a_numbered_ordinary_user() -> None:
    """Kubernetes can tell that a user is not root only by its number."""
    users = re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE)
    assert users == ["10001:10001"]


def test_nothing_in_the_image_is_a_secret() -> None:
    assert not re.search(r"^(ENV|ARG).*(TOKEN|SECRET|PASSWORD|KEY)", DOCKERFILE, re.MULTILINE)
