#!/bin/sh
# The instance takes requests only when its programs are ready.
set -eu
cartwright-release undrain
cartwright-release prune
