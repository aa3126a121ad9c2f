"""What keeps the house simple, beside the contracts of import-linter."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("endpoints", "jobs", "services", "data", "modeling", "experiments", "helpers")
TRAINING_ONLY = (
    "sklearn",
    "lightgbm",
    "catboost",
    "pandas",
    "matplotlib",
    "scipy.stats",
    "scipy.optimize",
    "onnx",
    "skl2onnx",
    "onnxmltools",
)


def sources() -> Iterator[Path]:
    yield from (ROOT / name for name in ("app.py", "app_settings.py", "wiring.py", "gunicorn.conf.py"))
    for room in ROOMS:
        yield from (ROOT / room).rglob("*.py")


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_the_wiring_knows_no_edge() -> None:
    rooms = {name.split(".")[0] for name in imported(ROOT / "wiring.py")}
    assert rooms & {"app", "endpoints", "jobs"} == set()


def test_no_import_hides_in_a_function() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_the_web_process_loads_nothing_that_only_training_needs() -> None:
    code = f"import app, sys; print([name for name in {TRAINING_ONLY} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_importing_touches_neither_network_nor_database(tmp_path: Path) -> None:
    """With sockets and SQLite taken away, every module still imports."""
    names = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sources()
        if path.name != "gunicorn.conf.py" and path.parts[-2] != "versions" and path.name != "env.py"
    )
    code = f"""
import importlib, socket, sqlite3
def refuse(*_args, **_kwargs):
    raise AssertionError("an import reached out")
socket.socket.connect = refuse
sqlite3.connect = sqlite3.dbapi2.connect = refuse
for name in {names}:
    importlib.import_module(name)
"""
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "ENVIRONMENT": "prod", "MPLCONFIGDIR": str(tmp_path)}
    environ |= {"ORT_DISABLE_TELEMETRY": "1", "AWS_SECRET_ID": "would-be-asked", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("path", ["app.py"])
def test_the_entry_stays_small(path: str) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) < 60
