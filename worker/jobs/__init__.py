"""The jobs: thin doors, one file for each use case that a message can start."""
