"""The use cases: one function each, taking its ports as arguments."""
