"""A file of the configuration means what it says, and one that was written reads back as it was."""

import pytest

from helpers.errors import UserError
from services.config.candidate import spell_all
from services.config.current import Current
from services.config.model import LiveConfig, parse_config
from services.config.spelling import texts
from services.config.yaml_file import values_of_file, written

ODD = [
    "off",
    "null",
    "~",
    "010",
    "0x1f",
    "1:30",
    "1_0",
    "1e5",
    ".inf",
    "2024-01-01",
    "<<",
    "=",
    "- a",
    " a ",
    "a\nb",
    "ä",
]


@pytest.mark.parametrize("salt", ODD)
def test_what_was_written_reads_back(salt: str) -> None:
    experiment = {"name": "x", "salt": salt, "arms": {"a@1": 1e-7, "b@2": 1 - 1e-7}}
    config = LiveConfig.model_validate({"holdout_salt": salt, "holdout_percentage": 5, "experiment": experiment})
    file = written(Current(3, config.model_dump(mode="json"), (), ()))
    assert texts(parse_config(spell_all(values_of_file(file)))) == texts(config)


def test_a_leading_zero_is_not_octal() -> None:
    assert parse_config(spell_all(values_of_file("contact_rest_days: 010"))).contact_rest_days == 10


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("contact_rest_days: 1:30", "contact_rest_days"),
        ("guardrails: {errors: .inf}", "guardrails"),
        ("guardrails: {latency: .nan}", "guardrails"),
        ("proba_cutoff: .nan", "proba_cutoff"),
    ],
)
def test_what_is_no_number_is_not_taken_for_one(line: str, key: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_config(spell_all(values_of_file(line)))
    assert caught.value.field == key
