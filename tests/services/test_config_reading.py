"""Rows of text become one valid configuration, or the newest change that spoils it is set aside."""

import json
from datetime import UTC, datetime

import pytest

from data.config_store import ConfigRow
from services.config.model import ConfigRefused, LiveConfig
from services.config.reading import Reading, read_config, read_table

MODELS = {"additive@1", "gradient_boosting@1"}


def row(number: int, key: str, value: str, revision: int | None = None) -> ConfigRow:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return ConfigRow(id=number, inserted_at=at, key=key, value=value, revision=revision, author=None, reason=None)


def build(config: LiveConfig) -> LiveConfig:
    missing = [ref for ref in config.aliases.values() if ref not in MODELS]
    if missing:
        raise ConfigRefused({"aliases": f"{missing[0]} does not exist"})
    return config


def read(*rows: ConfigRow) -> Reading[LiveConfig]:
    return read_config(sorted(rows, key=lambda each: -each.id), build)


def test_the_newest_row_of_a_key_wins() -> None:
    reading = read(row(1, "proba_cutoff", "0.4"), row(2, "proba_cutoff", "0.65"))
    assert (reading.built.proba_cutoff, reading.revision, reading.refused) == (0.65, 2, ())


def test_an_empty_table_gives_the_defaults() -> None:
    assert read().built == LiveConfig()


UNREACHABLE = ["..", ".", "/x", "x/", "a//b", "a/../b", "a\\nb", " x", "x ", "\\u0000", "a\\u202eb", " "]


@pytest.mark.parametrize("name", ["autumn", "a / b", "a/b.c", "...", "50 % off?", "Frühling & Ürün #2 😀", "x" * 100])
def test_an_experiment_may_have_any_name_that_an_address_can_end_with(name: str) -> None:
    assert read(row(1, "experiment", json.dumps({"name": name}))).built.experiment.name == name


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("proba_cutoff", "7", "less than or equal to 0.99"),
        ("proba_cutoff", "high", "valid number"),
        ("proba_cutoff", "nan", "0.99"),
        ("holdout_percentage", "inf", "finite"),
        ("experiment", '{"name": "x", "salt": "y", "arms": {"champion": 0.9}}', "sum to 0.9"),
        ("experiment", '{"name": ', "is not JSON"),
        ("experiment", "[]", "valid dictionary"),
        ("email_policy", "high_risk", "email_recipients"),
        ("email_policy", "sometimes", "'every', 'high_risk' or 'off'"),
        ("email_recipients", '["boss@example.com\\r\\nBcc: x@example.com"]', "pattern"),
        ("email_recipients", '["a@b.c\\u0000"]', "pattern"),
        ("email_recipients", '["a@b,c@d"]', "plain mail address"),
        ("email_recipients", '["Boss <boss@example.com>"]', "pattern"),
        ("aliases", '{"champion": "../x"}', "pattern"),
        ("aliases", '{"champion": "challenger"}', "pattern"),
        ("aliases", '{"additive@1": "additive@2"}', "pattern"),
        ("aliases", '{"holdout": "additive@1"}', "holdout"),
        ("experiment", '{"name": "x", "salt": "y", "arms": {"holdout": 1}}', "holdout"),
        *(("experiment", f'{{"name": "{name}"}}', "printable") for name in UNREACHABLE),
        ("paused", '["../x"]', "printable"),
        ("layers", '{"a/b": {"share": 0.1, "experiment": {}}}', "pattern"),
        ("aliases", '{"champion": "absent@1"}', "does not exist"),
        ("proba_cutof", "0.4", "unknown key"),
    ],
)
def test_a_bad_row_is_set_aside_and_the_last_good_one_stays(key: str, value: str, said: str) -> None:
    good = (row(1, "proba_cutoff", "0.4"), row(2, "aliases", '{"champion": "additive@1"}'))
    reading = read(*good, row(3, key, value))
    assert reading.built == read(*good).built
    assert [(each.id, each.key) for each in reading.refused] == [(3, key)]
    assert said in reading.refused[0].reason
    assert reading.revision == 3


def test_rows_of_one_revision_are_set_aside_together() -> None:
    reading = read(
        row(1, "proba_cutoff", "0.4"),
        row(2, "proba_cutoff", "0.5", revision=3),
        row(3, "holdout_percentage", "99", revision=3),
    )
    assert (reading.built.proba_cutoff, reading.built.holdout_percentage) == (0.4, 0)
    assert {each.id for each in reading.refused} == {2, 3}


def test_two_rows_that_only_make_sense_together_may_come_one_by_one() -> None:
    reading = read(row(1, "email_policy", "every"), row(2, "email_recipients", '["a@example.com"]'))
    assert reading.built.email_policy == "every"
    assert reading.refused == ()


def test_several_bad_rows_are_each_set_aside() -> None:
    rows = [row(n, "proba_cutoff", str(n)) for n in range(2, 30)]
    reading = read(row(1, "proba_cutoff", "0.3"), *rows)
    assert reading.built.proba_cutoff == 0.3
    assert len(reading.refused) == 28


def test_a_default_that_cannot_be_built_is_raised() -> None:
    def refuse(config: LiveConfig) -> LiveConfig:
        raise ConfigRefused({"aliases": "no champion"})

    with pytest.raises(ConfigRefused, match="no champion"):
        read_config([], refuse)


def test_a_misspelt_key_is_reported_until_a_good_row_follows() -> None:
    misspelt, right = row(1, "proba_cutof", "0.4"), row(2, "proba_cutoff", "0.4")
    assert [each.id for each in read(misspelt).refused] == [1]
    assert read(misspelt, right).refused == ()


@pytest.mark.parametrize("bad", [3, 51, 600])
def test_bad_rows_typed_over_and_over_never_bring_a_default_back(bad: int) -> None:
    rows = [row(n, "proba_cutoff", "7") for n in range(bad + 1, 1, -1)] + [row(1, "proba_cutoff", "0.3")]
    reading = read_table(lambda depth: rows[:depth], build)
    assert reading.built.proba_cutoff == 0.3
    assert len(reading.refused) == bad


def test_a_table_of_bad_rows_alone_gives_the_default() -> None:
    rows = [row(n, "proba_cutoff", "7") for n in range(70, 0, -1)]
    reading = read_table(lambda depth: rows[:depth], build)
    assert reading.built.proba_cutoff == LiveConfig().proba_cutoff
    assert len(reading.refused) == 70


def test_older_models_are_found_below_many_bad_rows() -> None:
    def refuse_no_champion(config: LiveConfig) -> LiveConfig:
        if "champion" not in config.aliases:
            raise ConfigRefused({"aliases": "no champion"})
        return config

    rows = [row(n, "aliases", "{}") for n in range(60, 1, -1)] + [row(1, "aliases", '{"champion": "additive@1"}')]
    reading = read_table(lambda depth: rows[:depth], refuse_no_champion)
    assert reading.built.aliases == {"champion": "additive@1"}
    with pytest.raises(ConfigRefused, match="no champion"):
        read_table(lambda depth: rows[:-1][:depth], refuse_no_champion)
