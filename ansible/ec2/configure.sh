#!/bin/bash
# Makes this host what its part says, with the playbooks of the bundle that this file came in. Run as root
#   - by the user data of a fresh instance, after it has unpacked the bundle, and
#   - by the SSM association that repairs drift, every day.
# A repeat changes nothing. The exit code is the playbook's; the output goes to the caller and to the journal.
#   configure.sh PART STAGE REGION BALANCER_NETWORK...
set -euo pipefail

if [ "$#" -lt 3 ]; then
  echo "usage: $0 web|worker STAGE REGION [BALANCER_NETWORK...]" >&2
  exit 2
fi
part=$1 stage=$2 region=$3
shift 3
bundle=$(cd "$(dirname "$0")/../.." && pwd)
venv=$bundle/venv

# Two at once, the boot and the association, would trip over each other.
exec 9>/run/lock/cartwright-configure.lock
flock 9

if [ ! -x "$venv/bin/ansible-playbook" ]; then
  if ! python3 -c 'import ensurepip' 2>/dev/null; then
    for try in 1 2 3 4 5; do
      apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends python3-venv && break
      [ "$try" -lt 5 ]
      sleep $((try * 5))
    done
  fi
  # Half an environment of an interrupted run is worth nothing.
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --no-index --no-deps --disable-pip-version-check --require-hashes \
    --find-links "$bundle/wheelhouse" --requirement "$bundle/requirements.txt"
fi

variables=$(python3 -c '
import json, sys
stage, region, *networks = sys.argv[1:]
print(json.dumps({"cartwright_stage": stage, "cartwright_region": region, "cartwright_balancer_networks": networks}))
' "$stage" "$region" "$@")

export ANSIBLE_CONFIG=$bundle/ansible/ansible.cfg ANSIBLE_NOCOLOR=1 ANSIBLE_HOME=$bundle/.ansible LC_ALL=C.UTF-8
"$venv/bin/ansible-playbook" "$bundle/ansible/$part.yml" -i "$bundle/ansible/inventories/local.yml" -e "$variables" \
  2>&1 | tee >(systemd-cat -t cartwright-configure)
