#!/usr/bin/env bash
# Write the demo production and load it, as the role and into the server that PGUSER, PGHOST and PGDATABASE name:
# load-demo.sh [FOLDER]
#
# The password is read from /secrets (or the folder that SECRETS names). Run it as often as you like: what is loaded is
# not loaded again.
set -euo pipefail
root=${1:-/tmp/demo}
PGPASSWORD=$(<"${SECRETS:-/secrets}/${PGUSER}_password")
export PGPASSWORD

specprod-copy demo "$root" --overwrite
specprod-copy load all --specprod fuji --root "$root" --public
specprod-copy status --schema fuji
