"""Models that were opened before a fork answer after it, in parent and child, and both end in order."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, os, sys
from pathlib import Path
from modeling.registry import ModelRegistry

registry = ModelRegistry(Path(sys.argv[1]))
refs = ["additive@1", "gradient_boosting@1", "catboost@1", "heuristic@1"]
loaded = [registry.load(ref) for ref in refs]
default = {feature.name: feature.default for feature in loaded[0].schema.features}
row = loaded[0].model.input_schema.model_validate(default)

def answers():
    return [(one.model.predict(row).probability, one.model.explain(row)[0].effect) for one in loaded]

before = answers()
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        code = 0 if answers() == before else 3
        sys.exit(code)  # the ordinary way out: every library's own exit handlers run
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
assert answers() == before
print(json.dumps(codes))
"""


@pytest.mark.parametrize("telemetry", ["said", "left to the runtime"])
def test_a_preloaded_model_answers_in_forked_children(models_dir: Path, telemetry: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    if telemetry == "said":
        environ["ORT_DISABLE_TELEMETRY"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(models_dir)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[0, 0, 0]"
