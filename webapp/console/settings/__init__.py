"""What the console shows of its own configuration."""
