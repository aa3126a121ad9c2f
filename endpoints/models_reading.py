"""Gathers from the services what the pages of the models show."""

from endpoints.edge import wiring
from endpoints.entered import sentence
from endpoints.models_compare_view import CompareView, Comparison, comparison
from endpoints.models_view import choices
from endpoints.problems import Problem
from endpoints.session_cookie import from_store
from modeling.card import Card
from services.config.live import NotReady
from services.config.model import LiveConfig
from services.model_comparison import agreement
from services.model_duties import duties, meetings
from services.models import Known, Models, UnknownModel
from services.snapshot import Snapshot

UNKNOWN = "there is no model of that name and version; the list has those that there are"
CHOOSE, THE_SAME = "Choose a model.", "Choose another model than the first."


def models() -> Models:
    wired = wiring()
    return Models(wired.engine, wired.registry, wired.settings.var_dir / "models")


def config_in_force() -> LiveConfig | None:
    """None as long as no model is in service."""
    snapshot = _snapshot()
    return snapshot.config if snapshot else None


def champion_card() -> Card | None:
    snapshot = _snapshot()
    return snapshot.serving.champion.card if snapshot else None


def one(ref: str) -> Known:
    """Raises Problem 404 for an unknown one."""
    try:
        return from_store(lambda: models().one(ref))
    except UnknownModel as error:
        raise Problem(404, UNKNOWN) from error


def compared(a: str, b: str) -> CompareView:
    """The two beside each other, or the form alone as long as nothing is chosen."""
    offered = from_store(lambda: models().references())
    errors = _errors(a, b, offered) if a or b else {}
    found = _comparison(one(a), one(b)) if (a or b) and not errors else None
    return CompareView(choices(offered), (a, b), found, errors)


def _errors(a: str, b: str, offered: list[str]) -> dict[str, str]:
    wrong = {field: _wrong(ref) for field, ref in (("a", a), ("b", b)) if ref not in offered}
    return wrong or ({"b": THE_SAME} if a == b else {})


def _wrong(ref: str) -> str:
    return sentence(f"there is no model {ref[:100]}") if ref else CHOOSE


def _comparison(a: Known, b: Known) -> Comparison:
    wired, config = wiring(), config_in_force()
    conditions = (models().condition(a), models().condition(b))
    return comparison(
        (a, b),
        conditions,
        (duties(config, a.ref), duties(config, b.ref)),
        meetings(config, a.ref, b.ref),
        from_store(lambda: agreement(wired.engine, wired.clock, a.ref, b.ref)),
    )


def _snapshot() -> Snapshot | None:
    try:
        return wiring().snapshot()
    except NotReady:
        return None
