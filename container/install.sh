#!/usr/bin/env bash
# Install q3c for the PostgreSQL of this image: install.sh PG_MAJOR
#
# From the Debian package. The official images of PostgreSQL have theirs from apt.postgresql.org and keep it in their
# list of sources, so q3c comes from there too, for every PG_MAJOR.
# Nothing is upgraded, and where q3c is installed nothing is done.
set -euo pipefail
packages=("postgresql-$1" "postgresql-$1-q3c")

is_known() { [[ $(apt-cache policy "$1" 2>/dev/null) == *"Candidate: "[0-9]* ]]; }

is_known "${packages[1]}" || apt-get update # images come without lists of packages
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends --no-upgrade \
    -o DPkg::Lock::Timeout=60 "${packages[@]}"
