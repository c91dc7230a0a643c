#!/bin/sh
# Tries the release aside, then serves it; goes back by itself when it is not ready.
set -eu
release=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["release"])' /var/lib/cartwright-incoming/release.json)
cartwright-release activate "$release"
