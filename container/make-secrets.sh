#!/usr/bin/env bash
# Make the passwords of the container's roles: make-secrets.sh [FOLDER]
#
# One file for each role, in container/secrets or another folder; those that are there stay as they are.
# The folder is for its owner only. The files in it are readable, because inside of a container, where they are mounted
# one by one, their reader has another user id.
set -euo pipefail
folder=${1:-$(dirname "${BASH_SOURCE[0]}")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
umask 022
for role in postgres desi_admin desi desi_public; do
    file=$folder/${role}_password
    [[ -s $file ]] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' >"$file"
done
