"""What needs somebody: the radar, the quarantine, the doctor and bulk work."""
