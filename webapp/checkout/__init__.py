"""The checkout: from a cart to an accepted order, in steps that survive every double click and lost reply."""
