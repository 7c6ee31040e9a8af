#!/bin/sh
# Makes the committed sample, its labels and their digests again: the one command behind them. Run it from the repository's root.
set -eu
cargo build --release -p promptprint-datasets
program="${CARGO_TARGET_DIR:-target}/release/promptprint-datasets"
cd datasets
"$program" generate --requests 22000 --seed 20261121 --bytes-mean 470 --traps public=1.5,viral=2,app=0.7 \
    --campaign accounts=110,templates=3,rate=3,reword=0.08 \
    --campaign accounts=90,templates=2,rate=2.5,style=request,reword=0.12,obfuscate=mixed,affix=0.5,cover=0.3 \
    --level 22 --out sample/traffic.jsonl.zst --labels labels/accounts.jsonl.zst --labels-requests labels/requests.jsonl.zst
"$program" digest sample/traffic.jsonl.zst labels/accounts.jsonl.zst labels/requests.jsonl.zst > digests.txt
