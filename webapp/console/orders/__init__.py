"""The staff's orders: the list, the page of one order, and every action on it."""
