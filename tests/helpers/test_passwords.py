"""Passwords: how they are hashed, checked and made."""

import gzip
import subprocess
import sys
import threading
import time

import pytest
from argon2 import PasswordHasher

from helpers.errors import UserError
from helpers.known_passwords import LIST
from helpers.passwords import (
    AT_ONCE,
    SHORTEST,
    check_rules,
    hash_password,
    make_password,
    needs_rehash,
    verify_password,
)


def test_the_hash_is_argon2id_at_the_stated_cost_and_salted() -> None:
    first, second = hash_password("correct horse"), hash_password("correct horse")
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second


def test_only_the_password_verifies() -> None:
    stored = hash_password("correct horse")
    assert verify_password(stored, "correct horse")
    assert not verify_password(stored, "correct horsf")
    assert not verify_password(stored, "")


def test_one_password_in_two_unicode_spellings_is_the_same() -> None:
    assert verify_password(hash_password("caf\u00e9 au lait"), "cafe\u0301 au lait")


@pytest.mark.parametrize("stored", ["", "not a hash", "$argon2id$v=19$m=1", "$2b$12$abcdefghijklmnopqrstuu"])
def test_a_broken_hash_matches_nothing(stored: str) -> None:
    assert not verify_password(stored, stored)


@pytest.mark.promise("P19")
def test_an_unknown_user_takes_as_long_as_a_wrong_password() -> None:
    stored = hash_password("correct horse")
    verify_password(None, "warm up")

    unknown, wrong = zip(*((_timed(None), _timed(stored)) for _ in range(7)), strict=True)
    assert min(unknown) == pytest.approx(min(wrong), rel=0.3)


def test_hashes_of_another_cost_are_to_be_renewed() -> None:
    assert needs_rehash(PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("x"))
    assert not needs_rehash(hash_password("x"))


def test_no_more_than_two_hashes_are_reckoned_at_once() -> None:
    done = threading.Event()

    def third() -> None:
        hash_password("third")
        done.set()

    waiting = threading.Thread(target=third)
    with AT_ONCE, AT_ONCE:
        waiting.start()
        assert not done.wait(0.5)
    assert done.wait(10)
    waiting.join()


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("short", "12 to 256"),
        ("x" * 257, "12 to 256"),
        ("abababababab", "too few"),
        ("with a\nbreak in it", "printable"),
        ("a lone \ud800 surrogate", "printable"),
        ("retention-team1", "little more than the user name"),
        ("Holdfast2026!", "name of this service"),
        ("1qaz2wsx3edc", "guessers try first"),
        ("WebSolutions", "guessers try first"),
        ("Password1234", "guessers try first"),
        ("!!p@ssw0rd99", "guessers try first"),
        ("sunshine-2024", "guessers try first"),
        ("aB3$xaB3$xaB3$x", "repeats itself"),
    ],
)
def test_a_poor_password_is_refused_in_words(password: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint) as caught:
        check_rules(password, "retention-team")
    assert caught.value.field == "password"


def test_a_long_sentence_will_do() -> None:
    check_rules("the tide goes out twice a day", "anna")
    check_rules("correct horse battery staple", "anna")
    check_rules("sunshine on my old boots", "anna")
    check_rules("密码是一个很长的句子没有人知道", "anna")


def test_a_made_password_keeps_the_rules_and_is_never_made_twice() -> None:
    made = {make_password() for _ in range(200)}
    assert len(made) == 200
    for each in made:
        check_rules(each, "anna")


def test_the_list_holds_what_breaches_told() -> None:
    """ASVS 5.0, 6.2.4: at least the 3,000 most common ones that the rules would let pass."""
    known = gzip.decompress(LIST.read_bytes()).decode().split("\n")
    assert len([each for each in known if len(each) >= SHORTEST]) > 40_000
    assert {"motherfucker", "qwertyqwerty", "123456qwerty"} <= set(known)


def test_importing_reads_no_list() -> None:
    code = "from helpers import known_passwords as k, passwords; print(k._known.cache_info().currsize)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "0"


def _timed(hashed: str | None) -> float:
    """Of this thread's work: what else the machine does meanwhile tells nobody anything."""
    start = time.thread_time()
    verify_password(hashed, "some other password")
    return time.thread_time() - start
