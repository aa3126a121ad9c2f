"""P16: models are swapped as a whole, and a model folder that was tampered with never serves."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text

from faults.finding import Finding
from faults.tally import drained
from faults.world import Database, Servers
from modeling.artifacts import write_folder
from tests.support.deployment import Deployment
from tests.support.models import Trained, scorer
from tests.support.open_load import OpenLoad

DRAIN_SECONDS = 60.0
MODELS = ("additive@1", "gradient_boosting@1", "catboost@1")
BASE = "gradient_boosting"
CUSTOMERS = 40
"""So few that each is soon met again, by another model too: what one model answered must not be another's answer."""
AS_STORED = 1e-6
"""Scores are answered and stored with six decimals."""


def swap(servers: Servers, database: Database, *, swaps: int = 50, per_second: float = 100.0) -> Finding:
    with servers.service(database) as deployment:
        deployment.configure(cache_ttl_seconds=600)
        deployment.start("web")
        with OpenLoad(deployment.url, servers.customers()[:CUSTOMERS], per_second) as load:
            for number in range(swaps):
                load.wait_for_answers(int(per_second / 4))
                put_in_charge(deployment, servers, MODELS[number % len(MODELS)])
            load.wait_for_answers(int(per_second / 4))
        found, _ = drained(deployment.engine, load, DRAIN_SECONDS)
        checked, wrong = _recomputed(deployment)
    broken = sum(count for status, count in load.statuses().items() if status != 200)
    return Finding(
        promise="P16",
        on=database,
        fault=f"{swaps} swaps at {per_second:g} requests a second",
        count=f"{load.attempted:,} requests, {', '.join(f'{n:,} of {ref}' for ref, n in checked.items())}",
        figure=f"{wrong} scores other than their model's own; {broken} not 200; {found.told()}",
        holds=found.clean and wrong == 0 and broken == 0 and set(checked) == set(MODELS),
    )


def put_in_charge(deployment: Deployment, servers: Servers, ref: str) -> None:
    """As an operator would by SQL, and told to every process."""
    deployment.configure(aliases={**servers.trained.aliases, "champion": ref})
    deployment.post("/config-refresh", {}).raise_for_status()


def _recomputed(deployment: Deployment) -> tuple[Mapping[str, int], int]:
    """How many rows each model has, and how many hold another score than it gives to their input."""
    own_score, counts, wrong = scorer(deployment.var_dir / "models"), dict.fromkeys(MODELS, 0), 0
    wanted = text("select model, model_version, prediction, input from model_logs where prediction is not null")
    with deployment.engine.connect() as connection:
        for row in connection.execute(wanted):
            ref = f"{row.model}@{row.model_version}"
            counts[ref] += 1
            wrong += abs(own_score(ref, row.input) - row.prediction) > AS_STORED
    return {ref: count for ref, count in counts.items() if count}, wrong


def _flip(folder: Path) -> None:
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)


def _reword(folder: Path) -> None:
    card = folder / "card.json"
    card.write_text(card.read_text(encoding="utf-8").replace("churn", "stays"), encoding="utf-8")


def _remove(folder: Path) -> None:
    (folder / "schema.json").unlink()


def _add_pickle(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(b"\x80\x04N.")


def _link_out(folder: Path) -> None:
    outside = folder.parent.parent.parent / "outside.onnx"
    shutil.move(folder / "model.onnx", outside)
    (folder / "model.onnx").symlink_to(outside)


def _leave(_folder: Path) -> None:
    pass


TAMPERINGS: Mapping[str, Callable[[Path], Any]] = {
    "a flipped bit": _flip,
    "an edited card": _reword,
    "a file less": _remove,
    "a pickle": _add_pickle,
    "a link out of the folder": _link_out,
}


def tamper(servers: Servers, database: Database, *, per_second: float = 50.0) -> Finding:
    """Each bad folder is put in charge by SQL; the model before must stay. In the end a whole one, which must serve."""
    whole = len(TAMPERINGS) + 2
    with servers.service(database, "web") as deployment:
        with OpenLoad(deployment.url, servers.customers(), per_second) as load:
            for version, spoil in enumerate([*TAMPERINGS.values(), _leave], start=2):
                spoil(_new_version(servers.trained, deployment.var_dir / "models", version))
                put_in_charge(deployment, servers, f"{BASE}@{version}")
                load.wait_for_answers(int(per_second / 2))
        found, _ = drained(deployment.engine, load, DRAIN_SECONDS)
        bad, good = (
            deployment.scalar(f"select count(*) from model_logs where model = '{BASE}' and model_version {which}")
            for which in (f"not in ('1', '{whole}')", f"= '{whole}'")
        )
    broken = load.attempted - load.statuses()[200]
    return Finding(
        promise="P16",
        on=database,
        fault=f"put in charge: a folder with {', '.join(TAMPERINGS)}",
        count=f"{len(TAMPERINGS)} folders, {load.attempted:,} requests",
        figure=f"{bad} answers by a bad model, {good} by a whole one put in last; {broken} not 200; {found.told()}",
        holds=found.clean and bad == 0 and good > 0 and broken == 0,
    )


def _new_version(trained: Trained, models_dir: Path, version: int) -> Path:
    """A folder as training would write it."""
    model = next(each for each in trained.training.models if each.card.name == BASE)
    card = {**json.loads(model.files["card.json"]), "version": str(version)}
    return write_folder(models_dir, BASE, version, {**model.files, "card.json": json.dumps(card).encode()})
