"""PostgreSQL through SQLAlchemy: models and the order book. Never imported by a Lambda."""
