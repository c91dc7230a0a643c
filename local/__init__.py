"""The laptop's platform: a real PostgreSQL, a local AWS and all programs under one supervisor; never deployed."""
