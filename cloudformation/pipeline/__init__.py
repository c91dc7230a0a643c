"""What the pipeline runs: buildspecs, and the visit after a deployment."""
