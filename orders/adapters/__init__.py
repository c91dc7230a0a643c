"""The outside world behind the ports: AWS, PostgreSQL, payment providers, and the in-memory twins."""
