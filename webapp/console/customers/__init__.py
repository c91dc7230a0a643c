"""The people who order, as the staff see them."""
