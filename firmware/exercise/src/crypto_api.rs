//! scop-crypto: the real thing with the feature `crypto`, a stand-in without it.

use scop_core::crypto::Provider;

/// What the machines of the other modules are given.
#[cfg(feature = "crypto")]
pub const PROVIDER: Provider<'static> = scop_crypto::RUST_CRYPTO;
/// What the machines of the other modules are given.
#[cfg(not(feature = "crypto"))]
pub const PROVIDER: Provider<'static> = stand_in::PROVIDER;

/// Hashes and verifies with everything that the provider lists.
pub fn run(input: &[u8]) -> usize {
    use scop_core::Sink;
    use scop_core::crypto::{Hasher, PublicKey};

    let mut sum = 0;
    for hash in PROVIDER.hashes {
        let mut hasher = Hasher::new(*hash);
        let _ = hasher.put(input);
        sum += usize::from(hasher.finish().as_bytes().first().copied().unwrap_or(0));
    }
    for verify in PROVIDER.verifiers {
        let rsa = PublicKey::Rsa {
            modulus: input,
            exponent: &[1, 0, 1],
        };
        for key in [PublicKey::Ed25519(input), PublicKey::Ecdsa(input), rsa] {
            sum += usize::from(verify.verify(key, input, input).is_err());
        }
    }
    sum + signed(input)
}

/// Signs with a seed, and lets the result be verified.
#[cfg(feature = "crypto")]
fn signed(input: &[u8]) -> usize {
    use scop_core::crypto::{MAX_SIGNATURE, PublicKey, Sign, SignatureAlgorithm};
    use scop_crypto::Ed25519SigningKey;

    let key = Ed25519SigningKey::from_seed(&[7; 32]);
    let mut signature = [0; MAX_SIGNATURE];
    let Ok(length) = key.sign(input, &mut signature) else {
        return 0;
    };
    let public = key.public_key();
    let verified = PROVIDER
        .verifier(SignatureAlgorithm::Ed25519)
        .zip(signature.get(..length))
        .is_some_and(|(verify, signature)| {
            verify
                .verify(PublicKey::Ed25519(&public), input, signature)
                .is_ok()
        });
    let read = Ed25519SigningKey::from_pkcs8_der(&*key.to_pkcs8_der()).is_ok();
    usize::from(verified) + usize::from(read)
}

#[cfg(not(feature = "crypto"))]
fn signed(_: &[u8]) -> usize {
    0
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
