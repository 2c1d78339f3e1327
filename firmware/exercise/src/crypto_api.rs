//! scop-crypto: the real thing with the feature `crypto`, a stand-in without it.

use core::hint::black_box;

use scop_core::Sink;
use scop_core::crypto::{Hasher, MAX_SIGNATURE, Provider, PublicKey, Sign, SignatureAlgorithm};

use crate::tally::Tally;

/// What the machines of the other modules are given.
#[cfg(feature = "crypto")]
pub const PROVIDER: Provider<'static> = scop_crypto::RUST_CRYPTO;
/// What the machines of the other modules are given.
#[cfg(not(feature = "crypto"))]
pub const PROVIDER: Provider<'static> = stand_in::PROVIDER;

/// A key that signs, and its public half.
#[cfg(feature = "crypto")]
pub(crate) fn signing_key() -> (impl Sign, [u8; 32]) {
    let key = scop_crypto::Ed25519SigningKey::from_seed(black_box(&[7; 32]));
    let public = key.public_key();
    (key, public)
}
/// A key that signs, and its public half.
#[cfg(not(feature = "crypto"))]
pub(crate) fn signing_key() -> (impl Sign, [u8; 32]) {
    (
        stand_in::Reverse(SignatureAlgorithm::Ed25519),
        black_box([7; 32]),
    )
}

/// Hashes, signs and verifies with everything that the provider lists.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    for hash in PROVIDER.hashes {
        let mut hasher = Hasher::new(*hash);
        tally.check(hasher.put(input).is_ok());
        hasher.update(input);
        let found = PROVIDER.hash(hash.algorithm());
        tally.check(found.is_some_and(|found| found.algorithm() == hash.algorithm()));
        let digest = hasher.finish();
        tally.check(digest.as_bytes().len() == hash.algorithm().output_len());
        tally.bytes(digest.as_ref());
    }
    for verify in PROVIDER.verifiers {
        tally.check(PROVIDER.verifier(verify.algorithm()).is_some());
        let rsa = PublicKey::Rsa {
            modulus: input,
            exponent: &[1, 0, 1],
        };
        for key in [PublicKey::Ed25519(input), PublicKey::Ecdsa(input), rsa] {
            tally.flag(verify.verify(key, input, input).is_err());
        }
    }
    signed(input, &mut tally);
    real(&mut tally);
    tally.finish()
}

/// Signs; the result verifies, and for another input it does not.
fn signed(input: &[u8], tally: &mut Tally) {
    let (key, public) = signing_key();
    let mut signature = [0; MAX_SIGNATURE];
    let length = key.sign(input, &mut signature).unwrap_or(0);
    let signature = signature.get(..length).unwrap_or_default();
    tally.check(key.algorithm() == SignatureAlgorithm::Ed25519);
    let verifier = PROVIDER.verifier(SignatureAlgorithm::Ed25519);
    let verifies = |input: &[u8]| {
        verifier.is_some_and(|verifier| {
            let key = PublicKey::Ed25519(&public);
            verifier.verify(key, input, signature).is_ok()
        })
    };
    tally.check(verifies(input) && !verifies(black_box(b"something else")));
}

/// What only the real thing has: keys in files, and signatures that another program made.
#[cfg(feature = "crypto")]
fn real(tally: &mut Tally) {
    use scop_crypto::Ed25519SigningKey;

    let key = Ed25519SigningKey::from_seed(black_box(&[7; 32]));
    let der = key.to_pkcs8_der();
    let read = Ed25519SigningKey::from_pkcs8_der(&*der);
    tally.check(read.is_ok_and(|read| read.public_key() == key.public_key()));
    tally.check(Ed25519SigningKey::from_pem(&*der).is_err());
    for verify in [
        fixtures::ed25519,
        fixtures::rsa_2048,
        fixtures::rsa_4096,
        #[cfg(feature = "crypto-all")]
        fixtures::ecdsa_p256,
    ] {
        tally.check(crate::is_ok(verify()));
    }
}

#[cfg(not(feature = "crypto"))]
fn real(_: &mut Tally) {}

/// Signatures of one digest by OpenSSL (`openssl pkeyutl -sign`), each verified, and not for another
/// digest. Each function links its own algorithm and no other.
#[cfg(feature = "crypto")]
pub mod fixtures {
    use scop_core::crypto::Verify;

    use super::{PublicKey, Tally, black_box};

    const DIGEST: &[u8; 32] = include_bytes!("../fixtures/digest");

    /// Ed25519.
    pub fn ed25519() -> usize {
        let key = PublicKey::Ed25519(black_box(include_bytes!("../fixtures/ed25519.key")));
        let signature = include_bytes!("../fixtures/ed25519.signature");
        verify(&scop_crypto::ED25519, key, signature)
    }

    /// ECDSA on P-256.
    #[cfg(feature = "crypto-all")]
    pub fn ecdsa_p256() -> usize {
        let key = PublicKey::Ecdsa(black_box(include_bytes!("../fixtures/p256.key")));
        let signature = include_bytes!("../fixtures/p256.signature");
        verify(&scop_crypto::ECDSA_P256_SHA256, key, signature)
    }

    /// RSA with 2048 bits.
    pub fn rsa_2048() -> usize {
        let signature = include_bytes!("../fixtures/rsa_2048.signature");
        rsa(include_bytes!("../fixtures/rsa_2048.key"), signature)
    }

    /// RSA with 4096 bits.
    pub fn rsa_4096() -> usize {
        let signature = include_bytes!("../fixtures/rsa_4096.signature");
        rsa(include_bytes!("../fixtures/rsa_4096.key"), signature)
    }

    fn rsa(modulus: &[u8], signature: &[u8]) -> usize {
        let key = PublicKey::Rsa {
            modulus: black_box(modulus),
            exponent: black_box(&[1, 0, 1]),
        };
        verify(&scop_crypto::RSA_SHA256, key, signature)
    }

    fn verify(scheme: &impl Verify, key: PublicKey<'_>, signature: &[u8]) -> usize {
        let mut tally = Tally::default();
        let signature = black_box(signature);
        tally.check(scheme.verify(key, black_box(DIGEST), signature).is_ok());
        let other = black_box(&[7; 32]);
        tally.check(scheme.verify(key, other, signature).is_err());
        tally.finish()
    }
}

/// A provider that cannot panic and proves nothing.
#[cfg(not(feature = "crypto"))]
pub mod stand_in {
    use scop_core::crypto::{
        Digest, Hash, HashAlgorithm, HashState, MAX_SIGNATURE, Provider, PublicKey, Sign,
        SignError, SignatureAlgorithm, Verify, VerifyError,
    };

    /// Adds octets up.
    struct Sum;

    impl Hash for Sum {
        fn algorithm(&self) -> HashAlgorithm {
            HashAlgorithm::Sha256
        }

        fn start(&self) -> HashState {
            HashState {
                words: [0; 8],
                block: [0; 128],
                filled: 0,
                total: 0,
            }
        }

        fn update(&self, state: &mut HashState, bytes: &[u8]) {
            for &byte in bytes {
                state.total = state.total.wrapping_mul(31).wrapping_add(byte.into());
            }
        }

        fn finish(&self, state: HashState) -> Digest {
            let mut bytes = [0; 64];
            for (to, from) in bytes.iter_mut().zip(state.total.to_be_bytes()) {
                *to = from;
            }
            Digest::new(HashAlgorithm::Sha256, bytes)
        }
    }

    /// A signature is the reverse of its input.
    pub struct Reverse(pub SignatureAlgorithm);

    impl Verify for Reverse {
        fn algorithm(&self) -> SignatureAlgorithm {
            self.0
        }

        fn verify(
            &self,
            _: PublicKey<'_>,
            input: &[u8],
            signature: &[u8],
        ) -> Result<(), VerifyError> {
            if input.iter().eq(signature.iter().rev()) {
                Ok(())
            } else {
                Err(VerifyError)
            }
        }
    }

    impl Sign for Reverse {
        fn algorithm(&self) -> SignatureAlgorithm {
            self.0
        }

        fn sign(
            &self,
            input: &[u8],
            signature: &mut [u8; MAX_SIGNATURE],
        ) -> Result<usize, SignError> {
            for (to, from) in signature.iter_mut().zip(input.iter().rev()) {
                *to = *from;
            }
            Ok(input.len().min(MAX_SIGNATURE))
        }
    }

    /// The provider.
    pub const PROVIDER: Provider<'static> = Provider {
        hashes: &[&Sum],
        verifiers: &[
            &Reverse(SignatureAlgorithm::Ed25519),
            &Reverse(SignatureAlgorithm::RsaSha256),
        ],
    };
}
