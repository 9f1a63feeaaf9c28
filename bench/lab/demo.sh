#!/usr/bin/env bash
# The main job on this machine: real servers of every path kind on loopback,
# scanned, measured and reported. Usage: demo.sh SHAKEDOWN FOLDER
set -euo pipefail
shakedown=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
lab=$out/lab

# Whatever happens, nothing is left running.
trap '"$shakedown" lab down --dir "$lab"' EXIT
"$shakedown" lab up --dir "$lab"

# What could not be determined, on a busy machine for one, is told in the report
# too: it is made all the same, and the demo ends with that exit code.
code=0
undetermined() { [ "$1" = 3 ] || exit "$1"; code=3; }

echo "scanning every path"
"$shakedown" scan --inventory "$lab/inventory.yaml" --format json --output "$out/scan.jsonl" || undetermined $?

# Servers with certificates of both kinds choose by the client's hello, each its own
# way: all paths are asked for one shape, so that like is compared with like.
echo "measuring every path: open loop, 25 full handshakes a second on each in turn, paths interleaved in blocks"
"$shakedown" bench --inventory "$lab/inventory.yaml" --rate 25 --duration 8s --blocks 10 --request / \
	--suite TLS_AES_128_GCM_SHA256 --signature ecdsa_secp256r1_sha256 \
	--format json --output "$out/bench.jsonl" || undetermined $?

"$shakedown" report "$out/scan.jsonl" "$out/bench.jsonl"
"$shakedown" report --html "$out/report.html" "$out/scan.jsonl" "$out/bench.jsonl"
echo "the records: $out/scan.jsonl and $out/bench.jsonl"
echo "the report:  $out/report.html"
if [ "$code" != 0 ]; then
	echo "not everything could be determined: see the report; on a busy machine, try again when it is idle" >&2
fi
exit "$code"
