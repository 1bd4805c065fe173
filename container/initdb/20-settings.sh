#!/usr/bin/env bash
# Have the server of a new volume read the settings beside this script, at each start: those of the image it runs from.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
printf "\ninclude '%s'\n" "$here/settings.conf" >>"$PGDATA/postgresql.conf"
