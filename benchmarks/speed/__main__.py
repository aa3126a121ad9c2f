"""How fast the service is with everything on, with each part off, and beside others, in one run.

Each server has two worker processes. Between rounds the service is brought to rest, so that what it does after its
answers counts as its own and disturbs no other. Nothing is written when any request failed.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.documents import written_into
from benchmarks.load import require_wrk
from benchmarks.profile import profile
from benchmarks.services import chosen_services
from benchmarks.speed.cases import EVERYTHING
from benchmarks.speed.customers import Body, customers, cutoff
from benchmarks.speed.inside import inside
from benchmarks.speed.picture import picture
from benchmarks.speed.report import told
from benchmarks.speed.rivals import WORKERS, rivals
from benchmarks.speed.rounds import PREDICT, Rounds, medians
from benchmarks.speed.starting import memory, starts
from helpers.errors import UserError
from jobs.commands.up import FLASK
from modeling.registry import ModelRegistry
from tests.support.deployment import ROOT, Deployment
from tests.support.traffic import post_all

ROUNDS, SECONDS = 5, 3
CUSTOMERS, IN_BATCHES = 400, 1_000
RESULT, PICTURE = (Path(__file__).with_name(f"speed.{suffix}") for suffix in ("json", "svg"))
ALIASES = "select config_value from config where config_key = 'aliases' order by id desc limit 1"
PAGE = ROOT / "docs" / "speed.md"


def main() -> None:
    """Raises SystemExit, and writes nothing, when any request was not answered with success."""
    require_wrk()
    with tempfile.TemporaryDirectory(prefix="hf") as folder, _service(Path(folder)) as service:
        result = _measured(service, Path(folder))
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    PICTURE.write_bytes(picture(result))
    PAGE.write_text(written_into(PAGE.read_text(encoding="utf-8"), "speed", told(result)), encoding="utf-8")
    print(told(result))
    print("\nwhere the time of one request goes (cProfile, one thread, own time):")
    for line in result["profile"]:
        print(f"  {line['own_us']:8.1f} µs  {line['function']}")
    print(f"\nwritten to {', '.join(str(path.relative_to(ROOT)) for path in (RESULT, PICTURE, PAGE))}")


@contextmanager
def _service(folder: Path) -> Iterator[Deployment]:
    """A deployment with a first model and everything on, not started, on services of its own."""
    with chosen_services(folder / "var") as chosen:
        service = Deployment(folder / "var", {"WEB_CONCURRENCY": str(WORKERS), **chosen})
        subprocess.run([*FLASK, "init"], cwd=ROOT, env=service.environ, check=True)
        with service:
            service.configure(**EVERYTHING)
            yield service


def _measured(service: Deployment, folder: Path) -> dict[str, Any]:
    registry = ModelRegistry(service.var_dir / "models")
    champion = registry.load(json.loads(service.scalar(ALIASES))["champion"])
    several = customers(service.engine, IN_BATCHES)
    bodies = several[:CUSTOMERS]
    service.configure(proba_cutoff=str(cutoff(champion, bodies)))
    found: dict[str, Any] = {"models": inside(registry, bodies)}
    found["start"] = starts(service, bodies[0])
    service.start("web")
    model = service.var_dir / "models" / champion.card.name / champion.card.version
    with rivals(folder, service.environ, model) as servers:
        rounds = Rounds(service, servers, bodies, several)
        found["high_risk"] = _high_risk(service, bodies)
        rounds.measure(ROUNDS, SECONDS)
        found["memory"] = memory(service)
    service.stop("web")
    found |= {"medians": medians(rounds.found), "profile": profile(service.environ, bodies)}
    return {**_setting(), **found}


def _high_risk(service: Deployment, bodies: Sequence[Body]) -> float:
    """The share of these customers. Raises SystemExit when an answer lacks what everything on should give."""
    replies = [reply.json() for reply in post_all(service.url, [(PREDICT, body) for body in bodies])]
    bare = [reply for reply in replies if reply.get("ltv") is None or reply["recent_times_id_seen"] is None]
    if bare:
        raise SystemExit(f"Error: an answer without its lifetime value or sightings: {bare[0]}")
    return [reply["high_risk"] for reply in replies].count("yes") / len(replies)


def _setting() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "load": [round(each, 1) for each in os.getloadavg()],
        "workers": WORKERS,
        "rounds": ROUNDS,
        "seconds": SECONDS,
        "customers": CUSTOMERS,
    }


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"Error: {error}")
