"""`make load`: shoppers that arrive whether or not the shop keeps up, and a report of what they met."""
