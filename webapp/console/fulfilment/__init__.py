"""Getting goods out of the house: pick lists, packing and papers."""
