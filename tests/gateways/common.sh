# What the gateway scripts share: where things are, how a store is made, how a failure is told. Sourced by each `run`.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$top/target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
work=$(mktemp -d)
venv=$target/gateways-venv
pids=()

# Every server is the leader of a session of its own, so its workers end with it; what does not listen is killed.
finish() {
    local code=$? pid
    trap - EXIT INT TERM HUP
    for pid in "${pids[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
    for _ in $(seq 1 100); do
        any_alive || break
        sleep 0.1
    done
    for pid in "${pids[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    if [ $code -ne 0 ]; then
        for log in "$work"/*.log; do [ -f "$log" ] && { echo "--- $(basename "$log")"; tail -n 40 "$log"; } >&2; done
    fi
    rm -rf "$work"
    exit $code
}
any_alive() {
    local pid
    for pid in "${pids[@]}"; do kill -0 -- "-$pid" 2>/dev/null && return; done
    return 1
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { printf '%s\n' "$*"; }
die() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# Starts a server whose words go to $work/NAME.log; its process is $started.
start() {
    local name=$1
    shift
    setsid "$@" > "$work/$name.log" 2>&1 < /dev/null &
    started=$!
    pids+=("$started")
}

# Installs Debian packages that are not there yet; their services are not started.
need_apt() {
    local missing=()
    for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
    [ ${#missing[@]} -eq 0 ] && return
    local log=$work/apt.log
    local install=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}")
    # Lists that are old name packages that are gone: look again once.
    { ls /var/lib/apt/lists/*Packages* && "${install[@]}"; } > "$log" 2>&1 && return
    local pause
    for pause in 10 30 0; do
        { apt-get update -qq && "${install[@]}"; } >> "$log" 2>&1 && return
        sleep "$pause"
    done
    die "apt-get install ${missing[*]}"
}

command -v python3 >/dev/null || need_apt python3

# A Python environment with the packages named, kept under the target folder.
need_pip() {
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        python3 -c 'import ensurepip' 2>/dev/null || need_apt python3-venv
        rm -rf "$venv"
        python3 -m venv "$venv"
    fi
    # Asked of the registry only where something is missing.
    local asked="$*" stamp=$venv/.promptprint
    grep -qxF "$asked" "$stamp" 2>/dev/null && return
    # A registry that fails for a moment fails a hundred downloads at once: what has arrived is kept, and it is asked again.
    local pause
    for pause in 10 30 60 0; do
        "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off --retries 8 --timeout 60 "$@" \
            > "$work/pip.log" 2>&1 && break
        [ "$pause" -gt 0 ] || die "pip install $asked"
        sleep "$pause"
    done
    printf '%s\n' "$asked" >> "$stamp"
}

# The release library and the program, built unless the caller has (PROMPTPRINT_BUILT=1).
build() {
    if [ -z "${PROMPTPRINT_BUILT:-}" ]; then
        CARGO_TARGET_DIR=$target cargo build --quiet --release --manifest-path "$top/Cargo.toml" -p promptprint-ffi -p promptprint
    fi
    library=$target/release
    promptprint=$target/release/promptprint
    [ -f "$library/libpromptprint.so" ] && [ -x "$promptprint" ] || die "$library has no libpromptprint.so and promptprint"
    ln -sfn libpromptprint.so "$library/libpromptprint.so.0"
}

# The reference that gateways are compared with.
build_sketch() {
    cc -O2 -I "$top/ffi/include" -o "$work/sketch" "$top/tests/gateways/sketch.c" -L "$library" -lpromptprint -Wl,-rpath,"$library"
}

# Waits until the server $2 listens on port $1; one that ended says why in its log.
wait_port() {
    for _ in $(seq 1 900); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        kill -0 "$2" 2>/dev/null || die "the server of port $1 ended"
        sleep 0.1
    done
    die "nothing listens on port $1"
}

# A free port below those that the system gives to outgoing connections, so that none of them takes it meanwhile.
free_port() {
    python3 - <<'PORT'
import random, socket
for port in random.sample(range(15000, 30000), 200):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break
PORT
}

# Requests of 12 accounts from one template, and of 12 others from none; the gateway's requests are made alike.
make_store() {
    python3 "$top/tests/gateways/traffic.py" log > "$work/log.jsonl"
    "$promptprint" index "$work/log.jsonl" --store "$work/store" > "$work/index.log" 2>&1 || die "promptprint index"
}
