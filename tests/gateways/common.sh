# What the gateway scripts share: where things are, how a store is made, how a failure is told. Sourced by each `run`.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$top/target}
work=$(mktemp -d)
pids=()

finish() {
    local code=$?
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    if [ $code -ne 0 ]; then
        for log in "$work"/*.log; do [ -f "$log" ] && { echo "--- $log"; tail -n 40 "$log"; }; done
    fi
    rm -rf "$work"
    exit $code
}
trap finish EXIT

say() { printf '%s\n' "$*"; }
die() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# Installs Debian packages that are not there yet.
need_apt() {
    local missing=()
    for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
    [ ${#missing[@]} -eq 0 ] && return
    [ -n "$(ls /var/lib/apt/lists/*Packages* 2>/dev/null)" ] || apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# A Python environment with the packages named, kept under the target folder.
need_pip() {
    venv=$target/gateways-venv
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check "$@"
}

build() {
    if [ -z "${PROMPTPRINT_BUILT:-}" ]; then
        cargo build --quiet --release --manifest-path "$top/Cargo.toml" -p promptprint-ffi -p promptprint
    fi
    library=$target/release
    ln -sf libpromptprint.so "$library/libpromptprint.so.0"
    promptprint=$target/release/promptprint
}

wait_port() {
    for _ in $(seq 1 600); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        sleep 0.1
    done
    die "nothing listens on port $1"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Requests of 12 accounts from one template, and of 12 others from none; the gateway's requests are made alike.
make_log() {
    python3 "$top/tests/gateways/traffic.py" log > "$work/log.jsonl"
}

make_store() {
    make_log
    "$promptprint" index "$work/log.jsonl" --store "$work/store" >/dev/null
}

# What the bulk job says of the bodies that a gateway saw: their fingerprints, by id.
