"""The peers' rigs: RQ, Dramatiq and Celery serve the same job as our worker, each in its recommended way, in one run."""
