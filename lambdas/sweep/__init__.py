"""The Lambda sweep: the schedule that sends and expires what was left."""
