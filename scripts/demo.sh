#!/usr/bin/env bash
# Write a small production, load it into the embedded server, and ask it something.
# Usage: scripts/demo.sh DIR
set -euo pipefail
dir=${1:-demo}
run=${SPECPROD_COPY:-specprod-copy}

say() { printf '\n$ %s\n' "$*"; }

# For root the server runs as another user, who may have no way into this folder.
server=specprod.pgdata
if ((EUID == 0)) && ! runuser -u nobody -- test -x "$PWD"; then
    server=/var/lib/specprod-copy/${PWD//\//_}.pgdata
fi

load=(load all --specprod fuji --root "$dir" --embedded "$server")
if [[ -e $dir/spectro ]]; then
    echo "$dir/ is there already; remove it to have it written again."
else
    say specprod-copy demo "$dir"
    "$run" demo "$dir"
    # An earlier demo may be loaded, from files that are no more.
    [[ ! -e $server ]] || load+=(--overwrite --yes)
fi
say specprod-copy "${load[@]}"
"$run" "${load[@]}"

query="SELECT spectype, count(*) AS spectra, min(z)::numeric(6,4) AS min_z, max(z)::numeric(6,4) AS max_z
FROM fuji.zpix WHERE zwarn = 0 AND zcat_primary GROUP BY spectype ORDER BY spectra DESC"
psql=(server psql)
[[ $server == specprod.pgdata ]] || psql+=(--embedded "$server")
say "specprod-copy ${psql[*]} -c \"$query\""
"$run" "${psql[@]}" -X -c "$query"
echo "The server keeps running; 'specprod-copy server stop' stops it, 'server status' tells how to reach it."
[[ $server == specprod.pgdata ]] || cat <<END
The server's user cannot enter this folder, so it is in $server:
the two want --embedded with that. All others find it after
eval "\$(specprod-copy server url --export --embedded $server)"
END
