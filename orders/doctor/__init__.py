"""The checker: reads every store and tests that the promises hold; explains, and repairs what can be repaired.

    python -m orders.doctor [--repair [--yes]] [--json] [--settle SECONDS]

snapshot.py reads RDS, DynamoDB and SQS; checks.py holds one pure function per promise; repairs.py puts right.
"""
