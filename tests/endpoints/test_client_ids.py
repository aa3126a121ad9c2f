"""Client ids as people paste them."""

import pytest

from endpoints.client_ids import MOST_IDS, problem_with_ids, split_ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("a\nb\r\nc", ["a", "b", "c"]),
        ("a, b;c\td", ["a", "b", "c", "d"]),
        (" a \n\n\n , ,b,", ["a", "b"]),
        ("b\na\nb", ["b", "a"]),
        ("two words", ["two words"]),
        ("abc\nABC\näbc\n😀\n😁", ["abc", "ABC", "äbc", "😀", "😁"]),
        ("", []),
    ],
)
def test_ids_are_split_and_kept_apart(text: str, ids: list[str]) -> None:
    assert split_ids(text) == ids


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([], "at least one"),
        ([str(i) for i in range(MOST_IDS + 1)], "batch call"),
        (["fine", "x" * 191], "1 to 190"),
        (["a\x00b"], "control characters"),
        (["a\u2028b"], "control characters"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(ids: list[str], words: str) -> None:
    assert words in problem_with_ids(ids)


def test_a_list_that_can_be_used_has_no_problem() -> None:
    assert problem_with_ids([str(i) for i in range(MOST_IDS)]) == ""
    assert problem_with_ids(["x" * 190, "😀"]) == ""
