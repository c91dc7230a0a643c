"""Papers: what the shop prints."""
