#!/bin/sh
# Builds the release and migrates. Every instance may ask for the migration: the first one does it, behind a lock.
set -eu
incoming=/var/lib/cartwright-incoming
release=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["release"])' "$incoming/release.json")
cartwright-release install "$incoming"
cartwright-release migrate "$release"
