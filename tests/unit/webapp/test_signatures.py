"""Tokens that are made with less work are the same tokens."""

from __future__ import annotations

import pytest
from itsdangerous import BadSignature, SignatureExpired, URLSafeSerializer, URLSafeTimedSerializer

from webapp.signatures import TOO_SHORT_TO_COMPRESS, kept_serializer, kept_timed_serializer

VALUES = ("a7c2" * 10, "", {"cart": 7}, "long " * TOO_SHORT_TO_COMPRESS)


@pytest.mark.parametrize("value", VALUES)
def test_each_reads_what_the_other_has_signed(value: object) -> None:
    """A token of the release before is one of this release, and the other way round: both serve during a deployment."""
    ours, theirs = kept_timed_serializer("secret", "forms"), URLSafeTimedSerializer("secret", salt="forms")
    assert theirs.loads(ours.dumps(value), max_age=60) == value
    assert ours.loads(theirs.dumps(value), max_age=60) == value
    plain = URLSafeSerializer(["older", "secret"], salt="cart")
    assert kept_serializer(("older", "secret"), "cart").loads(plain.dumps(value)) == value
    assert plain.loads(kept_serializer(("older", "secret"), "cart").dumps(value)) == value


def test_what_another_secret_or_purpose_has_signed_is_refused() -> None:
    """A kept signer keeps nothing of the tokens that it saw."""
    ours = kept_serializer(("secret",), "cart")
    good = ours.dumps("a cart")
    for foreign in (
        kept_serializer(("another",), "cart").dumps("a cart"),
        kept_serializer(("secret",), "letter").dumps("a cart"),
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        "x" + good,
        "",
    ):
        with pytest.raises(BadSignature):
            ours.loads(foreign)
    assert ours.loads(good) == "a cart"


def test_older_secrets_open_and_the_newest_signs() -> None:
    """A secret is changed without anybody's cart being lost."""
    before = kept_serializer(("older",), "cart").dumps("a cart")
    now = kept_serializer(("older", "newest"), "cart")
    assert now.loads(before) == "a cart"
    assert kept_serializer(("newest",), "cart").loads(now.dumps("a cart")) == "a cart"


def test_a_dated_token_ends() -> None:
    """Its age is looked at each time."""
    ours = kept_timed_serializer("secret", "forms")
    with pytest.raises(SignatureExpired):
        ours.loads(ours.dumps("a form"), max_age=-1)
