"""The core of Cartwright: the rules of an order, shipped inside every program and deployed by none."""
