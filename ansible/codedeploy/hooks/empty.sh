#!/bin/sh
# Nothing of an earlier revision may be mixed into this one.
set -eu
rm -rf /var/lib/cartwright-incoming
