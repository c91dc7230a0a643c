"""PROGRAM 3: the worker, a daemon that takes jobs from SQS and applies each effect once."""
