"""What the tests of signing in share."""

import pytest
from flask import Flask

from services.accounts import AccountService
from tests.support.visitor import PASSWORD


@pytest.fixture
def accounts(app: Flask) -> AccountService:
    made: AccountService = app.extensions["holdfast"].accounts
    made.add("anna", "manager", PASSWORD, "a test")
    return made
