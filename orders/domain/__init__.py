"""Pure Python: what an order is and what may happen to it. Imports nothing but the standard library."""
