"""The staff's stock: levels, movements, reservations and imports."""
