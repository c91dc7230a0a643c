"""Planted faults: proof that the tests and the doctor notice when a promise is broken. Run by `make mutants`."""
