"""The planted faults: each breaks one promise in one place, and names the fastest tests that must notice.

A mutant that is caught by nothing shows a missing test, not a bad mutant. Tests over the in-memory twins are named where
the fault lies in a rule; those over the real stores where it lies in a condition, a key or a statement.
"""

from __future__ import annotations

from tests.mutants.checkers import CHECKERS
from tests.mutants.mutant import Mutant

_REFUSED = "tests/contract/test_refused_for_good.py"
_INVENTORY = "tests/contract/test_inventory.py"
_ENDS = f"{_INVENTORY}::TestTheEndOfAReservation"
_PLACES = "tests/contract/test_warehouses.py"
_RACES = "tests/contract/test_inventory_races.py"
_BOOK = "tests/contract/test_order_book.py"
_USE_CASES = "tests/unit/services_book/test_orders_in_the_book.py"
_SUBMIT = "tests/unit/services/test_submit_and_sweep.py"
_MONEY = "tests/unit/domain/test_money.py"
_ROUNDING = "tests/unit/domain/test_rounding.py"
_PRICING = "tests/unit/domain/test_pricing_and_ledger.py"
_DECISIONS = "tests/unit/worker/test_decisions.py"
_WORKER = "tests/integration/worker/test_worker.py"
_LOST = "tests/integration/webapp/test_lost_answers.py"
_CHECKOUT = "tests/integration/webapp/test_checkout.py"
_TRACKING_PAGES = "tests/integration/webapp/test_tracking_pages.py"
_WALLS = "tests/integration/webapp/test_walls.py"
_SESSION_COOKIE = "tests/unit/webapp/test_session_cookie.py"
_RUSH = "tests/unit/webapp/test_rush.py"
_RANKS = "tests/unit/webapp/test_ranks.py"

_STOCK = (
    # --- I1: no oversell
    Mutant(
        "stock condition dropped",
        "orders/adapters/dynamodb/reserving.py",
        '"#available >= :quantity AND #price_minor = :price AND #currency = :currency"',
        '"#price_minor = :price AND #currency = :currency"',
        (f"{_RACES}::test_sixty_four_buyers_of_fifty_pieces_get_exactly_fifty[dynamodb-1]",),
    ),
    Mutant(
        "price condition dropped",
        "orders/adapters/dynamodb/reserving.py",
        '"#available >= :quantity AND #price_minor = :price AND #currency = :currency"',
        '"#available >= :quantity AND (#price_minor = :price OR attribute_exists(#price_minor)) AND #currency = :currency"',
        (f"{_INVENTORY}::TestReserve::test_a_changed_price_is_what_orders_must_name[dynamodb]",),
    ),
    Mutant(
        "a shortage is spread over counters that have nothing",
        "orders/domain/inventory.py",
        "    if sum(available[counter] for counter in preference) < quantity:\n        return None\n",
        "",
        (f"{_INVENTORY}::TestSkus::test_an_adjustment_goes_both_ways_once_and_never_below_zero[memory-1]",),
    ),
    Mutant(
        "a restock is applied at every repeat",
        "orders/adapters/dynamodb/counting.py",
        '                "pk": marker,\n',
        '                "pk": marker + str(__import__("time").time_ns()),\n',
        (f"{_INVENTORY}::TestSkus::test_a_restock_is_applied_once_per_movement[dynamodb]",),
    ),
    Mutant(
        "the nearest warehouse sends part of what another has whole",
        "orders/domain/warehouses.py",
        "        best = max(order, key=lambda place: len(whole[place]), default=None)\n",
        "        best = next((place for place in order if whole[place]), None)\n",
        ("tests/unit/domain/test_warehouses.py::test_one_parcel_from_further_away_beats_two_from_near",),
    ),
    Mutant(
        "a parcel takes the stock of another warehouse",
        "orders/domain/inventory.py",
        "    near_first = sorted(lines, key=lambda line: line.warehouse != warehouse)\n",
        "    near_first = list(lines)\n",
        (f"{_PLACES}::TestParcels::test_a_parcel_takes_from_the_place_that_it_left[dynamodb]",),
    ),
    Mutant(
        "a confirmed reservation expires too",
        "orders/adapters/dynamodb/movements.py",
        "            {ReservationState.RESERVED},\n",
        "            {ReservationState.RESERVED, ReservationState.CONFIRMED},\n",
        (f"{_ENDS}::test_a_confirmed_reservation_neither_expires_nor_keeps_its_message[dynamodb]",),
    ),
    Mutant(
        "a cancelled order keeps its stock",
        "orders/services/cancel_order.py",
        '    change.promise(Effect.RELEASE_STOCK, "release-stock", {})\n',
        "",
        (f"{_USE_CASES}::test_a_cancelled_order_gives_stock_and_money_back",),
    ),
)

_ONE_ORDER = (
    # --- I2, I3, I4: no order lost, none from nothing, one effect per key
    Mutant(
        "idempotency condition dropped",
        "orders/adapters/dynamodb/reserving.py",
        "            self._inventory.put_if(reservation_item(placed), _IF_NEW, attempt=placed.attempt),\n"
        "            self._tracking.put_if_absent(tracking_item),\n",
        '            {"Put": {k: v for k, v in self._inventory.put_if_absent(reservation_item(placed))["Put"].items()'
        ' if k in ("TableName", "Item")}},\n'
        '            {"Put": {k: v for k, v in self._tracking.put_if_absent(tracking_item)["Put"].items()'
        ' if k in ("TableName", "Item")}},\n',
        (
            f"{_INVENTORY}::TestReserve::test_a_repeat_returns_what_is_stored_and_takes_nothing_more[dynamodb]",
        ),
    ),
    Mutant(
        "an attempt that was refused for good is accepted all the same",
        "orders/adapters/dynamodb/reserving.py",
        '_IF_NEW = "attribute_not_exists(#pk) OR #refused_attempt < :attempt"',
        '_IF_NEW = "attribute_not_exists(#pk) OR #refused_attempt < :attempt OR attribute_exists(#refused_attempt)"',
        (f"{_REFUSED}::test_a_late_request_of_the_attempt_is_refused_in_the_same_words[dynamodb]",),
    ),
    Mutant(
        "another body under the same key is taken for a repeat",
        "orders/services/submit_order.py",
        "if stored.fingerprint != wanted.fingerprint:",
        "if False:",
        (f"{_SUBMIT}::test_another_body_under_the_same_key_is_refused",),
    ),
    Mutant(
        "the message of an accepted order is not sent",
        "orders/services/submit_order.py",
        "    if not stored.is_sent:\n",
        "    if False:\n",
        (f"{_SUBMIT}::test_the_message_carries_the_whole_order_and_a_stable_id",),
    ),
    Mutant(
        "an accepted order is not in the outbox",
        "orders/adapters/dynamodb/items.py",
        '        "outbox_shard": shard,\n',
        "",
        (f"{_INVENTORY}::TestOutbox::test_an_order_is_unsent_until_it_is_marked[dynamodb]",),
    ),
    Mutant(
        "marked as sent before it is sent",
        "orders/services/submit_order.py",
        '        queue.send(stored.message, queue="orders")\n'
        '        failpoint("submit.after_send")\n'
        "        inventory.mark_sent(stored.order_id, stored.state)\n",
        "        inventory.mark_sent(stored.order_id, stored.state)\n"
        '        queue.send(stored.message, queue="orders")\n'
        '        failpoint("submit.after_send")\n',
        ("tests/unit/lambdas/test_submit_order.py",),
    ),
    Mutant(
        "the sweeper ignores how old an unsent order is",
        "orders/services/sweep.py",
        "now - timedelta(seconds=sweep_after_seconds)",
        "now",
        (f"{_SUBMIT}::test_after_the_reservation_the_sweeper_alone_brings_the_order_home",),
    ),
    Mutant(
        "an expired order never reaches the book",
        "orders/services/sweep.py",
        "    return _send([expired], inventory, queue) == 1\n",
        "    inventory.mark_sent(expired.order_id, expired.state)\n    return True\n",
        (f"{_SUBMIT}::test_an_abandoned_reservation_ends_and_its_order_reaches_the_book",),
    ),
    Mutant(
        "the inbox accepts every message again",
        "orders/adapters/rds/order_book.py",
        "        return {row.message_id for row in found}\n",
        "        return set(message_ids)\n",
        (f"{_BOOK}::test_messages_are_accepted_once[postgresql]",),
    ),
    Mutant(
        "a command is done at every repeat",
        "orders/services/refund_order.py",
        "        if not tx.accept_messages([command_id], JOB):\n            return change.record\n",
        "",
        (f"{_USE_CASES}::test_a_refund_sent_twice_is_paid_once",),
    ),
    Mutant(
        "known orders are called new",
        "orders/adapters/rds/entries.py",
        "        return {OrderId(str(row.id)) for row in found}\n",
        "        return {order.record.order_id for order in ordered}\n",
        (f"{_BOOK}::test_a_batch_adds_what_is_new_and_says_which[postgresql]",),
    ),
    Mutant(
        "acknowledged before it is committed",
        "worker/executor.py",
        "        with stopwatch() as taken:\n            error = self._attempt(job, live)\n",
        "        self._acknowledger.done(live)\n"
        "        with stopwatch() as taken:\n            error = self._attempt(job, live)\n",
        (f"{_WORKER}::test_while_the_book_is_away_messages_are_kept_and_not_used_up",),
    ),
    Mutant(
        "a full disk uses up a message's tries",
        "worker/executor.py",
        "        if isinstance(error, StorageAway) and all(one.local_attempts < AWAY.max_attempts for one in group):\n",
        "        if False:\n",
        ("tests/unit/worker/test_patience.py",),
    ),
    Mutant(
        "the heartbeat is dropped",
        "worker/heartbeat.py",
        "            self._extend(queue, deliveries)\n",
        "            pass\n",
        (f"{_DECISIONS}::test_a_lease_is_moved_on_for_as_long_as_the_message_is_held",),
    ),
    Mutant(
        "a lost lease may commit",
        "worker/leases.py",
        "            check_leases()\n",
        "",
        (f"{_DECISIONS}::test_a_lost_lease_is_noticed_and_its_work_is_not_committed",),
    ),
    Mutant(
        "poison is retried for ever",
        "worker/retry.py",
        "    return Fate.RETRY if attempt < retry.max_attempts else Fate.QUARANTINE",
        "    return Fate.RETRY",
        (f"{_DECISIONS}::test_the_type_of_the_error_decides",),
    ),
    Mutant(
        "an effect that failed is forgotten",
        "worker/outbox.py",
        '        if claim.done:\n            run_within(connection, _DELETE, {"done": list(claim.done)})\n',
        '        run_within(connection, _DELETE, {"done": [row.seq for row in claim.rows]})\n',
        ("tests/integration/order_path/test_undelivered_effects.py",),
    ),
)

_MONEY_MUTANTS = (
    # --- I5: no double charge, to the cent
    Mutant(
        "money in float",
        "orders/domain/money.py",
        "    quotient, remainder = divmod(abs(numerator), denominator)\n"
        "    rounded = quotient + (1 if remainder * 2 >= denominator else 0)\n",
        "    rounded = int(abs(numerator) / denominator + 0.5)\n",
        (_ROUNDING,),
    ),
    Mutant(
        "rounding half to even",
        "orders/domain/money.py",
        "    rounded = quotient + (1 if remainder * 2 >= denominator else 0)\n",
        "    up = remainder * 2 > denominator or (remainder * 2 == denominator and quotient % 2)\n"
        "    rounded = quotient + (1 if up else 0)\n",
        (_ROUNDING,),
    ),
    Mutant(
        "the cents that are left over vanish",
        "orders/domain/money.py",
        "    lucky = set(by_remainder[:left])\n",
        "    lucky = set(by_remainder[:0])\n",
        (_MONEY,),
    ),
    Mutant(
        "the discount is not spread over the lines",
        "orders/domain/pricing.py",
        "    discounts = allocate(discount_minor, subtotals)\n",
        "    discounts = [discount_minor] + [0] * (len(subtotals) - 1)\n",
        (_PRICING,),
    ),
    Mutant(
        "a posting need not balance",
        "orders/domain/ledger.py",
        "        if sum(entry.amount_minor for entry in self.entries) != 0:\n",
        "        if False:\n",
        (_PRICING,),
    ),
    Mutant(
        "captured money is not in the ledger",
        "orders/services/capture_payment.py",
        "    change.post(ledger.capture(attempt_id, amount_minor))\n",
        "",
        (f"{_USE_CASES}::test_a_placed_order_is_confirmed_paid_and_shown",),
    ),
    Mutant(
        "captured without an attempt on record",
        "orders/services/capture_payment.py",
        "        tx.add_attempt(attempt)\n        return _call_of(",
        "        return _call_of(",
        (f"{_USE_CASES}::test_a_placed_order_is_confirmed_paid_and_shown",),
    ),
    Mutant(
        "every capture has a key of its own",
        "orders/services/capture_payment.py",
        "amount_minor=call.amount_minor, idempotency_key=call.attempt_id\n",
        "amount_minor=call.amount_minor, idempotency_key=str(id(call))\n",
        (f"{_USE_CASES}::test_a_capture_whose_answer_was_lost_takes_the_money_once",),
    ),
    Mutant(
        "money stays held when an order is refused",
        "webapp/checkout/charging.py",
        "        result = parts.payments.void(reference=checkout.payment_reference, idempotency_key=key)\n",
        "        result = PaymentResult(PaymentOutcome.SUCCEEDED, checkout.payment_reference, 0)\n",
        (f"{_LOST}::test_an_order_api_that_is_away_keeps_the_cart_and_frees_the_money",),
    ),
    Mutant(
        "a checkout is written over a newer one",
        "webapp/checkout/store.py",
        " WHERE id = %(kept_id)s AND version = %(kept_version)s{} RETURNING id)",
        " WHERE id = %(kept_id)s AND version <= %(kept_version)s + 9{} RETURNING id)",
        (f"{_LOST}::test_a_process_that_was_overtaken_overwrites_nothing",),
    ),
    Mutant(
        "a checkout is not leased",
        "webapp/checkout/leases.py",
        "            (Checkout.leased_until.is_(None)) | (Checkout.leased_until < now),\n",
        "",
        (f"{_CHECKOUT}::test_a_checkout_is_worked_on_by_one_at_a_time",),
    ),
)

_STATES = (
    # --- I6, I7: legal, monotone states; I11: told once
    Mutant(
        "an order is picked before it is confirmed",
        "orders/domain/order.py",
        "    EventType.PICKING_STARTED: Transition(\n        order=_same(_O.CONFIRMED)",
        "    EventType.PICKING_STARTED: Transition(\n        order=_OPEN",
        (
            "tests/unit/domain/test_order_states.py::test_nothing_leaves_the_shelf_before_the_order_is_confirmed",
        ),
    ),
    Mutant(
        "a decision upon an older version is carried out",
        "orders/services/changes.py",
        "        if version is not None and self.read.state.version != version:\n",
        "        if False:\n",
        (f"{_USE_CASES}::test_a_person_who_decided_upon_an_older_version_is_told",),
    ),
    Mutant(
        "a state is written over a newer one",
        "orders/adapters/rds/entries.py",
        '        .where(_ORDERS.c.id == bindparam("order_id"), expected)\n',
        '        .where(_ORDERS.c.id == bindparam("order_id"))\n',
        (f"{_BOOK}::test_a_state_moves_from_where_it_was_expected_or_not_at_all[postgresql]",),
    ),
    Mutant(
        "the unique key of the timeline is dropped",
        "migrations/versions/0001_the_order_book_and_the_worker.py",
        "        sa.UniqueConstraint(\n"
        '            "order_id", "version", "type", name=op.f("uq_timeline_events_order_id_version_type")\n'
        "        ),\n",
        "",
        (f"{_BOOK}::test_a_version_has_one_history[postgresql]",),
    ),
    Mutant(
        "an older view replaces a newer one",
        "orders/adapters/dynamodb/tracking.py",
        '"attribute_not_exists(#order_id) OR #version < :version"',
        '"attribute_not_exists(#order_id) OR #version <> :version"',
        ("tests/contract/test_tracking.py::test_an_older_or_equal_version_changes_nothing[dynamodb]",),
    ),
    Mutant(
        "a parcel leaves before the stock is confirmed",
        "orders/services/ship_order.py",
        "        _require_stock(tx, order_id)\n        _check(change.record, lines)\n",
        "        _check(change.record, lines)\n",
        (f"{_USE_CASES}::test_nothing_ships_before_its_stock_is_confirmed",),
    ),
    Mutant(
        "a notification is sent without a claim",
        "orders/services/notify_customer.py",
        "    if not tracking.claim_notification(order_id, kind, channel, clock.now()):\n",
        "    if not tracking.claim_notification(order_id, kind, channel, clock.now()) and False:\n",
        (
            "tests/unit/services/test_notify_customer.py::test_each_channel_is_used_once_however_often_the_event_comes",
        ),
    ),
    Mutant(
        "a notification is claimed by everybody",
        "orders/adapters/dynamodb/tracking.py",
        '            return failed.item is not None and failed.item.get("claim") == token\n',
        "            return failed.item is not None\n",
        (
            "tests/contract/test_tracking.py::test_a_notification_is_claimed_once_per_event_and_channel[dynamodb]",
        ),
    ),
)

_WALL_MUTANTS = (
    # --- I14: nobody reads or changes another's order
    Mutant(
        "the signature of an order link is not checked",
        "orders/links.py",
        "    if not any(hmac.compare_digest(mac, ",
        "    if False and not any(hmac.compare_digest(mac, ",
        (f"{_TRACKING_PAGES}::test_only_the_signed_link_opens_an_order",),
    ),
    Mutant(
        "an order's page opens by its id",
        "webapp/tracking/routes.py",
        "    order_id = links.read(token, links.keys_of(wiring().settings)) if len(token) <= 64 else None\n",
        "    order_id = OrderId(token) if len(token) == 36 else links.read(token, links.keys_of(wiring().settings))\n",
        (f"{_TRACKING_PAGES}::test_only_the_signed_link_opens_an_order",),
    ),
    Mutant(
        "another shopper's checkout can be opened",
        "webapp/checkout/store.py",
        '_OF_CART = _selecting("id = %(id)s AND cart_id = %(cart)s")\n',
        '_OF_CART = _selecting("id = %(id)s")\n',
        (f"{_CHECKOUT}::test_nobody_reaches_another_shoppers_checkout",),
    ),
    Mutant(
        "forms need no token",
        "webapp/security.py",
        "        WTF_CSRF_SSL_STRICT=True,\n",
        "        WTF_CSRF_ENABLED=False,\n",
        (f"{_WALLS}::test_a_form_without_its_token_changes_nothing",),
    ),
    Mutant(
        "another site may send forms",
        "webapp/security.py",
        "    if request.method not in _UNSAFE:\n        return\n",
        "    return\n",
        (f"{_WALLS}::test_another_site_cannot_fill_a_cart",),
    ),
    Mutant(
        "a link to an order has four spellings",
        "orders/links.py",
        "    if len(mac) != _MAC_BYTES or _written(raw) != token:\n",
        "    if len(mac) != _MAC_BYTES:\n",
        (f"{_TRACKING_PAGES}::test_only_the_signed_link_opens_an_order",),
    ),
    Mutant(
        "a session from another clock is thrown away",
        "webapp/session_cookie.py",
        "signer=TolerantSigner,",
        "signer=KeepingTimestampSigner,",
        (_SESSION_COOKIE,),
    ),
    Mutant(
        "a session never ends",
        "webapp/session_cookie.py",
        "            if error.date_signed is None or not now < error.date_signed <= now + TOLERANCE:\n"
        "                raise\n",
        "            pass\n",
        (_SESSION_COOKIE,),
    ),
    Mutant(
        "whoever has begun waits behind newcomers",
        "webapp/waiting_line.py",
        "        return ready[0]\n",
        "        return ready[-1]\n",
        (_RUSH,),
    ),
    Mutant(
        "a cart that was made up goes before newcomers",
        "webapp/ranks.py",
        "        if cart is not None and self._is_ours(cart[1]):\n",
        "        if cart is not None:\n",
        (_RANKS,),
    ),
)

MUTANTS: tuple[Mutant, ...] = (
    *_STOCK,
    *_ONE_ORDER,
    *_MONEY_MUTANTS,
    *_STATES,
    *_WALL_MUTANTS,
    *CHECKERS,
)
