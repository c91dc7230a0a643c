"""How cost grows with work: `python -m bench.scale` (see __main__.py)."""
