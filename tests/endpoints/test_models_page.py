"""The pages of the models over HTTP: what they show is what the cards say, and nothing leaves a model's folder."""

import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from apiflask import APIFlask
from sqlalchemy import update

from data import prediction_log
from data.tables import model_metadata
from modeling.card import Card
from services.config.lifecycle import Lifecycle
from tests.support.ledger import row
from tests.support.recorded import record_models
from tests.support.stack import configure
from tests.support.visitor import PASSWORD, Visitor, text_of

ADDITIVE, BOOSTING, CATBOOST, RULE = "additive@1", "gradient_boosting@1", "catboost@1", "heuristic@1"
ALL = (RULE, CATBOOST, BOOSTING, ADDITIVE)
PAGE = "/models/additive/1"
PAIR = f"/models/compare?a={ADDITIVE}&b={BOOSTING}"
TRIAL = "trees-in-autumn"


@pytest.fixture
def cards(app: APIFlask) -> dict[str, Card]:
    return {card.ref: card for card in record_models(app, *ALL)}


@pytest.fixture
def visitor(app: APIFlask, cards: dict[str, Card]) -> Visitor:
    return signed_in(app, "manager")


def signed_in(app: APIFlask, role: str) -> Visitor:
    app.extensions["holdfast"].accounts.add(role, role, PASSWORD, "a test")
    found = Visitor(app)
    found.sign_in(role)
    return found


def folder(app: APIFlask, name: str = "additive") -> Path:
    found: Path = app.extensions["holdfast"].settings.var_dir / "models" / name / "1"
    return found


def changes(app: APIFlask) -> Lifecycle:
    found: Lifecycle = app.extensions["holdfast"].config_changes
    return found


def answered(app: APIFlask, *answers: dict[str, Any]) -> None:
    """One answer of the champion for each, an hour apart, each to another client."""
    now = datetime.now(UTC)
    rows = [
        row(f"c{n}", model_version="1", answered_at=now - timedelta(hours=n), **given)
        for n, given in enumerate(answers)
    ]
    with app.extensions["holdfast"].engine.begin() as connection:
        prediction_log.append_many(connection, rows)


def rows_of(page: str) -> list[str]:
    return [text_of(each) for each in re.findall(r"<tr role=\"row\">(.*?)</tr>", page, re.DOTALL)[1:]]


def row_of(page: str, ref: str) -> str:
    return next(each for each in rows_of(page) if ref in each)


def test_the_list_has_every_version_newest_first_with_its_duties(visitor: Visitor, app: APIFlask) -> None:
    arms = {"champion": 0.9, "challenger": 0.1}
    configure(app, experiment={"name": TRIAL, "salt": "s", "arms": arms}, shadow=[CATBOOST])
    page = visitor.get("/models").text
    assert [re.findall(r"\w+@\d", each)[0] for each in rows_of(page)] == [ADDITIVE, BOOSTING, CATBOOST, RULE]
    assert "Champion" in row_of(page, ADDITIVE)
    assert f"Challenger, 10% of {TRIAL}" in row_of(page, BOOSTING)
    assert "Canary, 5%" in row_of(page, BOOSTING), "the step of the promotion ladder"
    assert "Scores silently Shadow" in row_of(page, CATBOOST)
    assert "Heuristic Not on the ladder" in row_of(page, RULE)


def test_the_list_draws_figures_with_their_intervals(visitor: Visitor, cards: dict[str, Card]) -> None:
    page = visitor.get("/models").text
    found = cards[BOOSTING].metrics["roc_auc"]
    said = f"{found.mean:.3f} {found.low:.3f} to {found.high:.3f}"
    assert said in row_of(page, BOOSTING)
    assert f'aria-label="ROC AUC: {found.mean:.3f}, from {found.low:.3f} to {found.high:.3f}"' in page
    assert page.count('<svg class="interval') == 3 * len(ALL)
    places = [float(each) for each in re.findall(r'(?:x1|x2|cx)="([-\d.]+)%"', page)]
    assert all(0 <= place <= 100 for place in places)
    assert " style=" not in page


def test_a_model_that_is_not_on_record_is_listed_by_its_folder(app: APIFlask) -> None:
    record_models(app, ADDITIVE)
    visitor = signed_in(app, "viewer")
    page = visitor.get("/models").text
    assert [re.findall(r"\w+@\d", each)[0] for each in rows_of(page)] == [ADDITIVE, CATBOOST, BOOSTING, RULE]
    assert "0." in row_of(page, CATBOOST)
    assert "On record No" in text_of(visitor.get("/models/catboost/1").text)


def test_the_list_is_read_from_the_database_not_from_the_folders(visitor: Visitor, app: APIFlask) -> None:
    folder(app, "catboost").rename(folder(app, "catboost").parent.parent / "gone")
    (folder(app, "heuristic") / "card.json").write_text("{}")
    page = visitor.get("/models").text
    assert "Its folder is not on this machine." in row_of(page, CATBOOST)
    assert "0." in row_of(page, RULE)


def test_a_long_list_has_pages(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.models.MOST", 3)
    first = visitor.get("/models").text
    older = re.search(r'href="(/models\?before=\d+)"', first)
    assert older
    second = visitor.get(older[1]).text
    assert [len(rows_of(first)), len(rows_of(second))] == [3, 1]
    assert "before=" not in second
    assert visitor.get("/models?before=x").status_code == 200


def test_the_card_is_told_in_words(visitor: Visitor, cards: dict[str, Card], app: APIFlask) -> None:
    seen, card = text_of(visitor.get(PAGE).text), cards[ADDITIVE]
    found = card.metrics["log_loss"]
    assert f"{found.mean:.3f} {found.low:.3f} to {found.high:.3f}" in seen
    assert f"Target {card.target} ; “{card.positive}” is who left" in seen
    assert f"Id of a customer {card.id}" in seen
    assert f"Learned from {card.rows['learned']:,} customers; judged on {card.rows['held_out']:,} others" in seen
    assert f"Over {card.parity_rows:,} customers the served model differs" in seen
    assert f"Recalibration {card.calibration}" in seen
    assert f"Proposed cutoff {100 * card.cutoff:.0f}%: {card.cutoff_criterion}" in seen
    assert all(column in seen for column in card.features)
    assert all(decision in seen for decision in card.decisions)
    assert "None: every column" in seen
    assert re.search(r"Manifest, SHA-256 [0-9a-f]{64}", seen)
    weightiest = max(card.importance, key=lambda column: card.importance[column])
    assert seen.index(f"{weightiest} {card.importance[weightiest]:.3f}") < seen.index("signup_date")


def test_dropped_columns_have_their_reasons(visitor: Visitor, cards: dict[str, Card], app: APIFlask) -> None:
    leak = {"column": "cancel_<b>date", "reason": "only those who left have it & it tells"}
    stored = {**cards[ADDITIVE].model_dump(mode="json"), "dropped": [leak]}
    with app.extensions["holdfast"].engine.begin() as connection:
        connection.execute(update(model_metadata).where(model_metadata.c.name == "additive").values(card=stored))
    page = visitor.get(PAGE).text
    assert "cancel_&lt;b&gt;date" in page
    assert leak["reason"] in text_of(page)


def test_the_pictures_are_those_of_the_folder_and_can_do_nothing(visitor: Visitor, app: APIFlask) -> None:
    page = visitor.get(PAGE).text
    addresses = re.findall(r'<img src="([^"]+)" alt="([^"]+)"', page)
    assert [Path(address).stem for address, _ in addresses] == [
        "effects", "calibration", "scores", "gains", "lift", "roc",
    ]  # fmt: skip
    response = visitor.get(addresses[0][0])
    assert response.data == (folder(app) / "plots" / "effects.svg").read_bytes()
    assert response.headers["Content-Type"].startswith("image/svg+xml")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'", "object-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        "sandbox ",
    ]  # fmt: skip
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" not in visitor.get(PAGE).headers["Content-Security-Policy"]


def test_a_picture_is_sent_squeezed_to_who_takes_it(visitor: Visitor, app: APIFlask) -> None:
    asked = {"headers": {"Accept-Encoding": "gzip"}, "base_url": "http://localhost"}
    squeezed = visitor.client.get(f"{PAGE}/plots/roc.svg", **asked)
    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(squeezed.data) == (folder(app) / "plots" / "roc.svg").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/models/additive/1/plots/none.svg",
        "/models/additive/1/plots/..%2fcard.json.svg",
        "/models/additive/1/plots/%2e%2e%2f%2e%2e%2f%2e%2e%2fcatboost%2f1%2fplots%2froc.svg",
        "/models/..%2fadditive/1/plots/roc.svg",
        "/models/additive/../plots/roc.svg",
        "/models/additive/1/plots/ROC.svg",
        "/models/none/1/plots/roc.svg",
        "/models/additive/01/plots/roc.svg",
        "/models/additive/1/plots/roc%00.svg",
    ],
)
def test_no_path_leaves_the_pictures_of_the_manifest(visitor: Visitor, path: str) -> None:
    response = visitor.get(path)
    assert response.status_code == 404
    assert b"<svg" not in response.data or b"<html" in response.data


def test_a_changed_or_strange_picture_is_not_served(visitor: Visitor, app: APIFlask) -> None:
    plots = folder(app) / "plots"
    (plots / "roc.svg").write_text("<svg><script>alert(1)</script></svg>")
    (plots / "strange.svg").write_text("<svg/>")
    (plots / "lift.svg").unlink()
    (plots / "lift.svg").symlink_to(folder(app, "catboost") / "plots" / "lift.svg")
    for name in ("roc", "strange", "lift"):
        assert visitor.get(f"{PAGE}/plots/{name}.svg").status_code == 404, name
    assert visitor.get(f"{PAGE}/plots/gains.svg").status_code == 200


def test_a_link_in_place_of_the_pictures_is_not_followed(visitor: Visitor, app: APIFlask) -> None:
    plots = folder(app) / "plots"
    plots.rename(folder(app).parent / "kept")
    plots.symlink_to(folder(app).parent / "kept")
    assert visitor.get(f"{PAGE}/plots/roc.svg").status_code == 404


def tamper(found: Path) -> None:
    (found / "plots" / "roc.svg").write_text("<svg/>")


def lose(found: Path) -> None:
    found.rename(found.parent / "gone")


def replace_whole(found: Path) -> None:
    """With a manifest that fits, as only the record can tell."""
    manifest = found / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (tamper, "plots/roc.svg is not the file that was written"),
        (lose, "there is no such folder"),
        (replace_whole, "its manifest is not the one that was recorded"),
    ],
)
def test_a_folder_that_is_not_as_it_was_written_says_so(
    visitor: Visitor, app: APIFlask, spoil: Callable[[Path], None], says: str
) -> None:
    spoil(folder(app))
    response = visitor.get(PAGE)
    seen = text_of(response.text)
    assert response.status_code == 200
    assert "This model cannot be served as it is." in seen
    assert says in seen
    assert "<img" not in response.text
    assert "ROC AUC" in seen, "the record tells the rest"


def test_a_card_that_cannot_be_read_spoils_no_page(visitor: Visitor, app: APIFlask) -> None:
    with app.extensions["holdfast"].engine.begin() as connection:
        connection.execute(update(model_metadata).where(model_metadata.c.name == "catboost").values(card=[1]))
    assert "cannot be read" in row_of(visitor.get("/models").text, CATBOOST)
    assert "cannot be read" in text_of(visitor.get("/models/catboost/1").text)
    assert visitor.get(f"/models/compare?a={CATBOOST}&b={ADDITIVE}").status_code == 200


@pytest.mark.parametrize("path", ["/models/none/1", "/models/additive/7", "/models/additive/x"])
def test_an_unknown_model_is_a_page_that_says_so(visitor: Visitor, path: str) -> None:
    response = visitor.get(path)
    assert response.status_code == 404
    assert "There is no model of that name and version" in text_of(response.text)
    assert visitor.post(path, {"use": "champion", "reason": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("champion", {"aliases": {"champion": CATBOOST, "challenger": BOOSTING, "heuristic": RULE}, "shadow": [RULE]}),
        ("challenger", {"aliases": {"champion": ADDITIVE, "challenger": CATBOOST, "heuristic": RULE}}),
    ],
)
def test_a_model_is_put_to_use_by_a_draft(
    visitor: Visitor, app: APIFlask, use: str, expected: dict[str, object]
) -> None:
    configure(app, shadow=[CATBOOST, RULE])
    visitor.get("/models/catboost/1")
    response = visitor.post("/models/catboost/1", {"use": use, "reason": "It is better."})
    (draft,) = changes(app).open_changes()
    assert (response.status_code, response.location) == (303, f"/config/changes/{draft.id}")
    assert (draft.author, draft.reason, draft.state) == ("manager", "It is better.", "draft")
    app.extensions["holdfast"].config_changes.rehearse(draft.id, "manager")
    app.extensions["holdfast"].config_changes.promote(draft.id, "manager")
    in_force = changes(app).current().values
    assert {key: in_force[key] for key in expected} == expected


def test_a_model_scores_silently_by_a_draft(visitor: Visitor, app: APIFlask) -> None:
    visitor.get("/models/catboost/1")
    assert visitor.post("/models/catboost/1", {"use": "shadow", "reason": "to see"}).status_code == 303
    (draft,) = changes(app).open_changes()
    assert draft.changes == {"shadow": f'["{CATBOOST}"]'}


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"use": "champion", "reason": " "}, "Must be filled in."),
        ({"reason": "why not"}, "Must be filled in."),
        ({"use": "emperor", "reason": "why not"}, "Choose one of what the model can be used for."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_drafted(
    visitor: Visitor, app: APIFlask, form: dict[str, str], says: str
) -> None:
    visitor.get("/models/catboost/1")
    response = visitor.post("/models/catboost/1", form)
    assert response.status_code == 422
    assert says in re.findall(r'<small class="wrong"[^>]*>([^<]+)', response.text)
    assert 'aria-invalid="true"' in response.text
    assert changes(app).open_changes() == []


def test_what_it_is_already_is_refused(visitor: Visitor, app: APIFlask) -> None:
    assert 'value="champion"' not in visitor.get(PAGE).text
    response = visitor.post(PAGE, {"use": "champion", "reason": "again"})
    assert response.status_code == 422
    assert "these values are in force already" in text_of(response.text)


def test_a_model_that_was_tampered_with_is_not_drafted(visitor: Visitor, app: APIFlask) -> None:
    visitor.get("/models/catboost/1")
    tamper(folder(app, "catboost"))
    response = visitor.post("/models/catboost/1", {"use": "champion", "reason": "it looks fine"})
    assert response.status_code == 422
    assert "plots/roc.svg is not the file that was written" in text_of(response.text)
    assert changes(app).open_changes() == []


def test_who_only_looks_is_offered_no_form_and_refused(app: APIFlask, cards: dict[str, Card]) -> None:
    viewer = signed_in(app, "viewer")
    page = viewer.get(PAGE)
    assert page.status_code == 200
    assert "Put it to use" not in page.text
    assert viewer.post(PAGE, {"use": "champion", "reason": "x"}).status_code == 403


def test_two_models_beside_each_other(visitor: Visitor, cards: dict[str, Card]) -> None:
    page = visitor.get(PAIR).text
    seen, a, b = text_of(page), cards[ADDITIVE].metrics["roc_auc"], cards[BOOSTING].metrics["roc_auc"]
    assert "A Additive 1" in seen
    assert "B Gradient boosting 1" in seen
    low = (b.mean - a.mean) - ((b.mean - b.low) ** 2 + (a.high - a.mean) ** 2) ** 0.5
    assert f"{low:+.3f} to".replace("-", "−") in seen
    assert "cannot be told apart" in seen
    assert "Both figures are of the same customers" in seen
    assert page.count("<img") == 12
    assert "No running experiment has both of them." in seen
    assert "too few clients were scored by both" in seen


def test_features_that_only_one_reads(visitor: Visitor, app: APIFlask, cards: dict[str, Card]) -> None:
    card = cards[BOOSTING].model_dump(mode="json")
    card["features"] = [*card["features"][1:], "favouriteColour"]
    with app.extensions["holdfast"].engine.begin() as connection:
        connection.execute(update(model_metadata).where(model_metadata.c.name == "gradient_boosting").values(card=card))
    seen = text_of(visitor.get(PAIR).text)
    assert f"Both read {len(card['features']) - 1} features." in seen
    assert "Only Additive 1 Signup date" in seen
    assert "Only Gradient boosting 1 Favourite colour" in seen


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        (ADDITIVE, ADDITIVE, "Choose another model than the first."),
        (ADDITIVE, "", "Choose a model."),
        ("<none>@1", ADDITIVE, "There is no model &lt;none&gt;@1."),
    ],
)
def test_two_that_cannot_be_compared(visitor: Visitor, a: str, b: str, says: str) -> None:
    response = visitor.get(f"/models/compare?{urlencode({'a': a, 'b': b})}")
    assert response.status_code == 422
    assert says.casefold() in response.text.casefold()
    assert "Choose two models" in response.text


def test_without_a_choice_the_form_alone(visitor: Visitor) -> None:
    response = visitor.get("/models/compare")
    assert response.status_code == 200
    assert 'class="wrong"' not in response.text


def test_live_traffic_of_both(visitor: Visitor, app: APIFlask) -> None:
    experiment = {"name": TRIAL, "salt": "s", "arms": {"champion": 0.5, "challenger": 0.5}}
    configure(app, experiment=experiment, shadow=[CATBOOST])
    answered(app, *({"prediction": 0.4, "silent_scores": {CATBOOST: 0.44 if n % 4 else 0.6}} for n in range(40)))
    seen = text_of(visitor.get(PAIR).text)
    assert f"Both score the clients of {TRIAL} : both answer clients there." in seen
    page = visitor.get(f"/models/compare?a={ADDITIVE}&b={CATBOOST}").text
    assert f"{TRIAL} : Catboost 1 scores there silently." in text_of(page)
    assert f'href="/experiments/{TRIAL}"' in page
    assert "Clients scored by both 40 Same side of the cutoff 75%" in text_of(page)
    assert "B above A, in points +8.0" in text_of(page)


def test_scores_of_the_holdout_are_told_to_nobody(visitor: Visitor, app: APIFlask) -> None:
    held = {"arm": "holdout", "prediction": None, "silent_scores": {ADDITIVE: 0.4, CATBOOST: 0.6}}
    answered(app, *(held for _ in range(40)))
    seen = text_of(visitor.get(f"/models/compare?a={ADDITIVE}&b={CATBOOST}").text)
    assert "too few clients were scored by both" in seen
