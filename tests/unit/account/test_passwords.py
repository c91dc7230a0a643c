"""Which passwords are taken, and how they are kept."""

from __future__ import annotations

import pytest

from webapp.passwords import common_passwords, hash_password, is_password, needs_rehash, password_problem


@pytest.mark.parametrize(
    "password", ["seven blue herons", "8 letter", "пароль-длинный", "x" * 63 + "yzab", "correct horse 9"]
)
def test_length_alone_makes_a_password(password: str) -> None:
    """No rule asks for digits, capitals or signs; every script and every space is welcome."""
    assert password_problem(password) == ""


@pytest.mark.parametrize(
    "password", ["password", "PassWord1", "qwertyuiop", "iloveyou2", "password1234!", "11111111"]
)
def test_what_thieves_try_first_is_refused(password: str) -> None:
    """The list counts in any case and with the usual digits behind."""
    assert password_problem(password) != ""


def test_a_password_is_not_its_owners_name_or_address() -> None:
    """What everybody knows of somebody is no secret; a sentence that mentions it may be."""
    about = ("ada.lovelace@example.com", "Ada Lovelace", "Cartwright & Co")
    assert password_problem("ada.lovelace1", *about) != ""
    assert password_problem("Ada Lovelace", *about) != ""
    assert password_problem("cartwright & co", *about) != ""
    assert password_problem("ada lovelace wrote the first one", *about) == ""


def test_the_list_is_there_and_only_of_passwords_that_length_would_let_through() -> None:
    """Sixteen thousand entries of eight and more characters."""
    assert len(common_passwords()) > 15_000
    assert min(map(len, common_passwords())) == 8


def test_a_password_is_kept_as_argon2id_and_recognised_in_either_normal_form() -> None:
    """The same letters typed on another system are the same password."""
    stored = hash_password("caf\u00e9 at seven")
    # The second recommended option of RFC 9106, section 4: 64 MiB, three passes, four lanes.
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert is_password(stored, "cafe\u0301 at seven")
    assert not is_password(stored, "cafe at seven")
    assert not needs_rehash(stored)


def test_nobody_has_a_password() -> None:
    """The check without an account does the same work and says no, even to the stand-in's own text."""
    assert not is_password(None, "nobody has this password")
    assert not is_password("not a hash", "anything at all")
