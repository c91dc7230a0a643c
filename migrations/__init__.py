"""Schema changes without downtime: expand, migrate, contract. One revision per change, applied in order."""
