#!/usr/bin/env bash
# Neither service holds the code of the other: what the symbols of the built programs say.
#
#     gateway/tests/separation.sh [--release]
#
# Without an argument the programs are those of a debug build, in which no function is inlined and so none is
# overlooked. The check can fail: `scop`, which has both services, must have every symbol that is looked for.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v nm >/dev/null || { echo "    skipped: no nm (binutils)"; exit 0; }

# The key that signs is the sender's, and so is all that reads one, makes one, or signs; rcgen makes certificates.
signing=(scop_dkim::sign:: scop_gateway::key_file:: 'scop_crypto::.*SigningKey' rcgen::)
sending=(scop_gateway::send:: scop_smtp_proto::policy::route::)
receiving=(scop_gateway::receive:: scop_smtp_proto::server:: scop_gateway::tls::server::)

cargo build -q -p scop-gateway --bins "$@"
folder=${CARGO_TARGET_DIR:-target}/debug
[ "${1:-}" != --release ] || folder=${CARGO_TARGET_DIR:-target}/release
wrong=0

count() { # program pattern
    nm -C "$folder/$1" | grep -c -- "$2" || true
}

for pattern in "${signing[@]}" "${sending[@]}" "${receiving[@]}"; do
    [ "$(count scop "$pattern")" -gt 0 ] || { echo "scop has no $pattern: is it still called so?"; wrong=1; }
done
lacks() { # program patterns
    local program=$1 pattern found
    shift
    for pattern in "$@"; do
        found=$(count "$program" "$pattern")
        [ "$found" = 0 ] || { echo "$program has $found symbols of $pattern"; wrong=1; }
    done
}
lacks scop-receiver "${signing[@]}" "${sending[@]}"
lacks scop-sender "${receiving[@]}" rcgen::
[ "$wrong" = 0 ] && echo "scop-receiver has nothing that signs or sends, scop-sender nothing that receives"
exit "$wrong"
