"""Measurements: load, benchmarks and scale, each a command that anyone can run. Nothing here ships."""
