#!/usr/bin/env bash
# Makes the signed samples and the zone anew, with new keys that are thrown away at the end.
# The time of the signatures is fixed, so that only the keys, b= and their records change.
#
#   samples/make.sh [PATH OF scop]      default: target/release/scop
set -euo pipefail
cd "$(dirname "$0")"
scop=$(realpath "${1:-../target/release/scop}")
at=2025-11-02T06:00:00Z
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT

# key SELECTOR DOMAIN ALGORITHM: a key file, and its record at the end of the zone
key() { "$scop" keygen --selector "$1" --domain "$2" --algorithm "$3" --out "$keys/$1.$2" >> example.zone; }
# sign SELECTOR DOMAIN: from standard input
sign() { "$scop" sign --selector "$1" --domain "$2" --key "$keys/$1.$2" --at "$at"; }

cp zone.source example.zone
key rsa2025 example.org rsa2048
key ed2025 example.org ed25519
key mail example.net ed25519
key mail example.com rsa2048

sign rsa2025 example.org < unsigned.eml | sign ed2025 example.org > newsletter.eml
sign mail example.net < forged.source > forged.eml
sign mail example.com < no-policy.source > no-policy.eml

# A link that somebody changed on the way.
sed 's|https://example.org/winter|https://example.net/winter|' newsletter.eml > changed.eml
# A second From, above everything that was signed.
{ echo 'From: Example Bank <service@bank.example>'; cat newsletter.eml; } > two-from.eml
