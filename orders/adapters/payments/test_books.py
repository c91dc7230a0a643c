"""The statements of the embedded test provider that are run at every order."""

from __future__ import annotations

# One statement, and so one transaction: whoever comes with the same key at the same moment waits at the call's primary key
# for the first one's end, and then finds that there is nothing to do.
AUTHORISE = """
WITH call AS (
    INSERT INTO test_provider_calls (idempotency_key, operation, reference, fingerprint, answer)
    VALUES (%(key)s, 'authorise', %(reference)s, %(fingerprint)s, %(answer)s) ON CONFLICT DO NOTHING RETURNING reference)
INSERT INTO test_provider_charges
    (reference, order_id, amount_minor, captured_minor, refunded_minor, currency, status, card, return_url)
SELECT reference, %(order_id)s, %(amount_minor)s, 0, 0, %(currency)s, %(status)s, %(card)s, %(return_url)s FROM call
RETURNING reference
"""

# One statement, and so one transaction: whoever wants the same charge at the same moment waits for its row, and then finds
# that it is not held any more.
CAPTURE = """
WITH charge AS (
    UPDATE test_provider_charges SET status = 'captured', captured_minor = %(amount_minor)s
    WHERE reference = %(reference)s AND status = 'authorised' AND card <> %(card_that_fails)s
        AND %(amount_minor)s BETWEEN 1 AND amount_minor
        AND NOT EXISTS (SELECT FROM test_provider_calls WHERE idempotency_key = %(key)s)
    RETURNING reference)
INSERT INTO test_provider_calls (idempotency_key, operation, reference, fingerprint, answer)
SELECT %(key)s, 'capture', reference, %(fingerprint)s, %(answer)s FROM charge
RETURNING reference
"""
