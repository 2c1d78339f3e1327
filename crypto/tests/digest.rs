//! Hashes against the `sha1` and `sha2` crates, and the examples of FIPS 180-4.

use scop_core::crypto::{Hash, HashState, Hasher};
use scop_crypto::{RUST_CRYPTO, SHA256, SHA384, SHA512};
use sha2::Digest;

type Oracle = fn(&[u8]) -> Vec<u8>;

const SUBJECTS: &[(&dyn Hash, usize, Oracle)] = &[
    (&SHA256, 64, |bytes| sha2::Sha256::digest(bytes).to_vec()),
    (&SHA384, 128, |bytes| sha2::Sha384::digest(bytes).to_vec()),
    (&SHA512, 128, |bytes| sha2::Sha512::digest(bytes).to_vec()),
    #[cfg(feature = "sha1")]
    (&scop_crypto::SHA1, 64, |bytes| {
        sha1::Sha1::digest(bytes).to_vec()
    }),
];

/// Octets that differ from block to block.
fn octets(len: usize) -> Vec<u8> {
    (0u32..)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .take(len)
        .collect()
}

fn digest(hash: &dyn Hash, parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = Hasher::new(hash);
    for part in parts {
        hasher.update(part);
    }
    hasher.finish().as_bytes().to_vec()
}

#[test]
fn every_split_around_the_block_edges() {
    for (hash, block, oracle) in SUBJECTS {
        for len in 0..=3 * block + 1 {
            let bytes = octets(len);
            let expected = oracle(&bytes);
            for at in 0..=len {
                let (head, tail) = bytes.split_at(at);
                assert_eq!(
                    digest(*hash, &[head, tail]),
                    expected,
                    "{hash:?} {len} {at}",
                    hash = hash.algorithm()
                );
            }
        }
    }
}

#[test]
fn every_pair_of_splits_of_two_blocks() {
    for (hash, block, oracle) in SUBJECTS {
        let bytes = octets(2 * block + 5);
        let expected = oracle(&bytes);
        for a in 0..=bytes.len() {
            let (head, rest) = bytes.split_at(a);
            for b in (0..=rest.len()).step_by(3) {
                let (middle, tail) = rest.split_at(b);
                assert_eq!(digest(*hash, &[head, middle, tail]), expected);
            }
        }
    }
}

#[test]
fn octet_by_octet_and_at_once() {
    for (hash, _, oracle) in SUBJECTS {
        let bytes = octets(10_000);
        let singles: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(digest(*hash, &singles), oracle(&bytes));
        assert_eq!(digest(*hash, &[&bytes]), oracle(&bytes));
    }
}

/// Digests of one algorithm are equal when their octets are, whatever made them.
#[test]
fn a_digest_is_equal_to_the_same_from_elsewhere() {
    for (hash, _, oracle) in SUBJECTS {
        let mut bytes = [0; 64];
        let expected = oracle(b"");
        bytes[..expected.len()].copy_from_slice(&expected);
        let expected = scop_core::crypto::Digest::new(hash.algorithm(), bytes);
        assert_eq!(Hasher::new(*hash).finish(), expected);
    }
}

#[test]
fn a_copy_of_a_state_branches_the_hash() {
    for (hash, block, oracle) in SUBJECTS {
        let bytes = octets(block + 7);
        let mut trunk = Hasher::new(*hash);
        trunk.update(&bytes);
        let mut branch = trunk;
        branch.update(b"branch");
        let both = [&bytes[..], b"branch"].concat();
        assert_eq!(branch.finish().as_bytes(), oracle(&both));
        assert_eq!(trunk.finish().as_bytes(), oracle(&bytes));
    }
}

/// The messages of the examples that FIPS 180-4 refers to.
#[test]
fn fips_180_4_examples() {
    let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    let longer = b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn\
                   hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    let examples: &[(&dyn Hash, &[u8], &str)] = &[
        #[cfg(feature = "sha1")]
        (
            &scop_crypto::SHA1,
            b"abc",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
        ),
        #[cfg(feature = "sha1")]
        (
            &scop_crypto::SHA1,
            long,
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
        ),
        (
            &SHA256,
            b"",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            &SHA256,
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            &SHA256,
            long,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            &SHA384,
            b"abc",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
             8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            &SHA384,
            longer,
            "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712\
             fcc7c71a557e2db966c3e9fa91746039",
        ),
        (
            &SHA512,
            b"abc",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (
            &SHA512,
            longer,
            "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018\
             501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
        ),
    ];
    for (hash, message, expected) in examples {
        let found = format!("{:?}", {
            let mut hasher = Hasher::new(*hash);
            hasher.update(message);
            hasher.finish()
        });
        assert_eq!(found, format!("Digest({expected})"));
    }
}

/// A state is plain data, so a caller can make a wrong one; it must not panic.
#[test]
fn a_state_from_elsewhere_does_not_panic() {
    for (hash, ..) in SUBJECTS {
        for filled in 0..=255 {
            let mut state = HashState {
                words: [u64::MAX; 8],
                block: [1; 128],
                filled,
                total: u128::MAX,
            };
            hash.update(&mut state, &octets(usize::from(filled)));
            hash.update(&mut state, &octets(300));
            hash.finish(state);
        }
    }
}

#[test]
fn the_provider_lists_each_hash_once() {
    for (hash, ..) in SUBJECTS {
        let algorithm = hash.algorithm();
        let listed = RUST_CRYPTO
            .hashes
            .iter()
            .filter(|hash| hash.algorithm() == algorithm);
        assert_eq!(listed.count(), 1);
        assert_eq!(RUST_CRYPTO.hash(algorithm).unwrap().algorithm(), algorithm);
    }
    assert_eq!(RUST_CRYPTO.hashes.len(), SUBJECTS.len());
}
