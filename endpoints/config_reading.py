"""What the pages of the configuration read before they show it."""

from data.config_change_store import Change
from endpoints.config_fields import WAS, fields_of
from endpoints.config_form import REASON, Filled, filled, offers
from endpoints.config_steps import Rules
from endpoints.config_view import ConfigView, refused_rows, sections
from endpoints.edge import wiring
from endpoints.score_bars import bars
from services.config.lifecycle import Lifecycle
from services.config.origins import origins
from services.config.spelling import texts, typed


def lifecycle() -> Lifecycle:
    return wiring().config_changes


def config_view(form: Filled, change: Change | None) -> ConfigView:
    """The page with that form. Raises SQLAlchemyError."""
    wired, snapshot = wiring(), wiring().snapshot()
    found = origins(wired.engine, snapshot.refused, snapshot.revision)
    return ConfigView(
        sections=sections(snapshot, found, form),
        form=form,
        offers=offers(snapshot.config, wired.registry.available()),
        bars=bars(wired.score_spread.current(), snapshot.config.proba_cutoff),
        revision=snapshot.revision,
        waiting=found.newest > snapshot.revision,
        refused=refused_rows(snapshot.refused),
        under_way=lifecycle().open_changes(),
        now=wired.clock.now(),
        change=change,
    )


def form_of(change: Change | None) -> Filled:
    """What is in force, with the values of a change in place of it; against what is in force they are judged."""
    form = filled(wiring().snapshot().config)
    if change is None:
        return form
    values = wiring().snapshot().config.model_dump(mode="json")
    fields = fields_of({**values, **typed(change.changes)})
    for key in values:
        fields[WAS + key] = form.fields[WAS + key]
    fields[REASON] = change.reason
    return Filled(fields)


def rules() -> Rules:
    wired, snapshot = wiring(), wiring().snapshot()
    return Rules(bool(wired.settings.stage_url), snapshot.config.two_person_rule, snapshot.revision)


def texts_in_force() -> dict[str, str]:
    return texts(wiring().snapshot().config)
