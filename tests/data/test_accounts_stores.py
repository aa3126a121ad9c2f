"""Users, their sessions, and the audit log."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from data import audit_log, sessions, users
from data.audit_log import AuditEntry, Wanted
from data.sessions import Session
from data.users import User

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def add(engine: Engine, name: str = "ann") -> int:
    with engine.begin() as connection:
        return users.add(connection, name, "$argon2id$old", "manager", NOW)


def open_session(engine: Engine, id_hash: str, user_id: int, lasts: timedelta = timedelta(days=7)) -> None:
    with engine.begin() as connection:
        sessions.open(connection, id_hash, user_id, NOW, NOW + lasts)


def test_a_user_comes_back(engine: Engine) -> None:
    user_id = add(engine)
    expected = User(user_id, "ann", "$argon2id$old", "manager", NOW, NOW, None)
    with engine.connect() as connection:
        assert users.find(connection, user_id) == expected
        assert users.find_by_username(connection, "ann") == expected
        assert users.find_by_username(connection, "Ann") is None
        assert users.find_by_username(connection, "ann' OR '1'='1") is None
        assert users.find(connection, user_id + 1) is None


def test_a_name_in_use_is_refused_and_the_transaction_goes_on(engine: Engine) -> None:
    add(engine)
    with engine.begin() as connection:
        with pytest.raises(IntegrityError), connection.begin_nested():
            users.add(connection, "ann", "other", "viewer", LATER)
        users.add(connection, "ann ", "other", "viewer", LATER)
    with engine.connect() as connection:
        assert [user.username for user in users.list_users(connection)] == ["ann", "ann "]


def test_a_new_password_is_noted_a_renewed_hash_is_not(engine: Engine) -> None:
    user_id, other = add(engine), add(engine, "bob")
    with engine.begin() as connection:
        users.renew_hash(connection, user_id, "$argon2id$renewed")
        renewed = users.find(connection, user_id)
        users.set_password_hash(connection, user_id, "$argon2id$new", LATER)
        changed = users.find(connection, user_id)
        untouched = users.find(connection, other)
    assert renewed
    assert (renewed.password_hash, renewed.password_changed_at) == ("$argon2id$renewed", NOW)
    assert changed
    assert (changed.password_hash, changed.password_changed_at) == ("$argon2id$new", LATER)
    assert untouched
    assert untouched.password_hash == "$argon2id$old"


def test_disabling_twice_keeps_the_first_time(engine: Engine) -> None:
    user_id = add(engine)
    with engine.begin() as connection:
        users.disable(connection, user_id, LATER)
        users.disable(connection, user_id, LATER + timedelta(hours=1))
        user = users.find(connection, user_id)
    assert user
    assert user.disabled_at == LATER


def test_a_session_from_opening_to_closing(engine: Engine) -> None:
    user_id = add(engine)
    open_session(engine, "a" * 64, user_id)
    with engine.begin() as connection:
        sessions.touch(connection, "a" * 64, LATER)
        assert sessions.find(connection, "a" * 64) == Session("a" * 64, user_id, NOW, LATER, NOW + timedelta(days=7))
        sessions.close(connection, "a" * 64)
        sessions.close(connection, "a" * 64)
        assert sessions.find(connection, "a" * 64) is None


def test_closing_all_of_one_user_leaves_the_others(engine: Engine) -> None:
    ann, bob = add(engine), add(engine, "bob")
    for number, owner in enumerate((ann, ann, bob)):
        open_session(engine, str(number) * 64, owner)
    with engine.begin() as connection:
        assert sessions.close_all(connection, ann) == 2
        assert sessions.find(connection, "2" * 64)
        assert sessions.close_all(connection, ann) == 0


def test_expired_and_idle_sessions_go(engine: Engine) -> None:
    user_id = add(engine)
    open_session(engine, "old", user_id, lasts=timedelta(minutes=60))
    open_session(engine, "idle", user_id)
    open_session(engine, "busy", user_id)
    with engine.begin() as connection:
        sessions.touch(connection, "busy", LATER)
        sessions.touch(connection, "old", LATER)
        assert sessions.delete_expired(connection, now=LATER, idle_since=NOW) == 2
        assert sessions.find(connection, "busy")


def test_a_session_needs_a_user(engine: Engine) -> None:
    with pytest.raises(IntegrityError):
        open_session(engine, "a" * 64, 987_654_321)


def test_the_audit_log_tells_the_newest_first(engine: Engine) -> None:
    details = {"before": "0.5", "after": "0.65", "note": "<b>'; DROP TABLE config;--"}
    with engine.begin() as connection:
        first = audit_log.append(connection, NOW, "ann", "config_changed", "proba_cutoff", details)
        second = audit_log.append(connection, LATER, "bob", "signed_in", "bob", {})
        assert audit_log.list_entries(connection) == [
            AuditEntry(second, LATER, "bob", "signed_in", "bob", {}),
            AuditEntry(first, NOW, "ann", "config_changed", "proba_cutoff", details),
        ]
        assert [entry.id for entry in audit_log.list_entries(connection, limit=1)] == [second]
        assert [entry.id for entry in audit_log.list_entries(connection, subject="proba_cutoff")] == [first]


def test_the_audit_log_is_searched_and_paged(engine: Engine) -> None:
    with engine.begin() as connection:
        ids = [
            audit_log.append(connection, NOW, actor, action, "cleo", {})
            for actor, action in (("ann", "role_set"), ("bob", "role_set"), ("ann", "user_disabled"))
        ]

    def found(wanted: Wanted = audit_log.EVERYTHING, **options: int) -> list[int]:
        return [entry.id for entry in audit_log.search(connection, wanted, **options)]

    with engine.connect() as connection:
        assert found() == ids[::-1]
        assert found(Wanted(actor="ann")) == [ids[2], ids[0]]
        assert found(Wanted(actor="ann", action="role_set", subject="cleo")) == [ids[0]]
        assert found(Wanted(subject="Cleo")) == []
        assert found(limit=2) == [ids[2], ids[1]]
        assert found(before=ids[1]) == [ids[0]]
        assert audit_log.actions(connection) == ["role_set", "user_disabled"]
