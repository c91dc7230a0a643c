"""Planted faults in what is to find faults: the doctor, and the judge of a chaos run."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_CHECKS = "tests/unit/doctor/test_checks.py"

CHECKERS = (
    Mutant(
        "the doctor counts no stock",
        "orders/doctor/checks/of_stock.py",
        "        if not level.is_conserved:\n",
        "        if False:\n",
        (_CHECKS,),
    ),
    Mutant(
        "the doctor asks nobody who moved the stock",
        "orders/doctor/checks/of_stock.py",
        "        if told is None:\n",
        "        if False:\n",
        (f"{_CHECKS}::test_each_planted_fault_is_named",),
    ),
    Mutant(
        "the doctor looks once",
        "orders/doctor/diagnosis.py",
        "    while suspicious and waited < settle_seconds:\n",
        "    while False:\n",
        (_CHECKS,),
    ),
    Mutant(
        "the doctor says nothing of messages nobody knows about",
        "orders/doctor/checks/of_work.py",
        "        if claim.claimed_at + FORGOTTEN_AFTER < look.taken_at:\n",
        "        if False:\n",
        (f"{_CHECKS}::test_each_planted_fault_is_named",),
    ),
    Mutant(
        "the doctor calls a message lost that is just being sent",
        "orders/doctor/checks/of_work.py",
        "        if claim.claimed_at + FORGOTTEN_AFTER < look.taken_at:\n",
        "        if True:\n",
        (f"{_CHECKS}::test_a_message_that_is_just_being_sent_is_not_a_finding",),
    ),
    Mutant(
        "a check is not among those that the doctor makes",
        "orders/doctor/checks/__init__.py",
        "    nothing_is_stuck,\n    everybody_was_told,\n)",
        "    nothing_is_stuck,\n)",
        (f"{_CHECKS}::test_each_planted_fault_is_named",),
    ),
    Mutant(
        "the doctor counts no coupons",
        "orders/doctor/checks/of_money.py",
        "        if coupon.used != len(coupon.uses):\n",
        "        if False:\n",
        (f"{_CHECKS}::test_a_use_that_nobody_or_a_dead_order_holds_is_found",),
    ),
    Mutant(
        "the doctor overlooks dead letters",
        "orders/doctor/checks/of_work.py",
        "        if queue.dead > look.quarantined:\n",
        "        if False:\n",
        (f"{_CHECKS}::test_each_planted_fault_is_named",),
    ),
    Mutant(
        "what is lost by a restore is written over an earlier list",
        "orders/doctor/after_restore.py",
        'chosen.give_back.open("x", encoding="utf-8")',
        'chosen.give_back.open("w", encoding="utf-8")',
        ("tests/unit/doctor/test_after_restore.py::test_the_command_never_writes_over_an_earlier_list",),
    ),
    Mutant(
        "the judge of a chaos run calls what is still owed recovered",
        "bench/chaos/recovery.py",
        "        return max(self.served_after, self.answered_after, self.caught_up_after)\n",
        "        return max(self.served_after, self.answered_after)\n",
        ("tests/unit/bench/test_chaos_recovery.py",),
    ),
    Mutant(
        "the judge of a chaos run forgets shoppers who wait",
        "bench/chaos/recovery.py",
        "        return max(self.served_after, self.answered_after, self.caught_up_after)\n",
        "        return max(self.served_after, self.caught_up_after)\n",
        ("tests/unit/bench/test_chaos_recovery.py",),
    ),
)
