//! Times this crate beside the crates it stands on, in one process:
//! `cargo run --release -p scop-crypto --all-features --example speed`.
//!
//! Each line has the medians of many rounds that take turns, so that what slows the machine slows
//! both.
#![expect(clippy::unwrap_used, reason = "an example that measures")]

use core::convert::Infallible;
use core::hint::black_box;
use std::println;
use std::time::Instant;

use rsa::BoxedUint;
use rsa::rand_core::{TryCryptoRng, TryRng};
use scop_core::crypto::{Hash, Hasher, MAX_SIGNATURE, PublicKey, Sign, Verify};
use scop_crypto::{
    ECDSA_P256_SHA256, ED25519, Ed25519SigningKey, RSA_SHA256, RsaSigningKey, SHA1, SHA256, SHA512,
};
use sha2::{Digest, Sha256, Sha512};

fn main() {
    println!("{:32} {:>12} {:>12}  ratio", "", "here", "there");
    hash::<sha1::Sha1>("SHA-1", &SHA1);
    hash::<Sha256>("SHA-256", &SHA256);
    hash::<Sha512>("SHA-512", &SHA512);
    rsa();
    ed25519();
    ecdsa();
}

fn hash<D: Digest>(name: &str, hash: &dyn Hash) {
    for len in [64, 1024, 1 << 20] {
        let bytes = vec![7; len];
        let here = || {
            let mut hasher = Hasher::new(black_box(hash));
            hasher.update(black_box(&bytes));
            black_box(hasher.finish());
        };
        let there = || {
            black_box(D::digest(black_box(&bytes)));
        };
        compare(&format!("{name}, {len} octets"), here, there);
    }
}

/// The `rsa` crate makes its key from the numbers each time, as a verifier of mail has to.
fn rsa() {
    for bits in [1024, 2048, 3072, 4096] {
        let key = rsa::PrivateKey::new(&mut Count(bits as u64), bits).unwrap();
        let (modulus, exponent) = {
            use rsa::traits::PublicKeyParts;
            (key.n_bytes(), key.e_bytes())
        };
        let digest = Sha256::digest(b"message");
        let signature = key.pkcs1v15_sign_prehash::<Sha256>(&digest).unwrap();
        let here = || {
            let key = PublicKey::Rsa {
                modulus: black_box(&modulus),
                exponent: &exponent,
            };
            RSA_SHA256.verify(key, &digest, &signature).unwrap();
        };
        let there = || {
            let modulus = BoxedUint::from_be_slice_vartime(black_box(&modulus));
            let exponent = BoxedUint::from_be_slice_vartime(&exponent);
            let key = rsa::PublicKey::new(modulus, exponent).unwrap();
            key.pkcs1v15_verify_prehash::<Sha256>(&digest, &signature)
                .unwrap();
        };
        compare(&format!("RSA-{bits} verify"), here, there);

        let ours = {
            use rsa::pkcs8::EncodePrivateKey;
            RsaSigningKey::from_pkcs8_der(key.to_pkcs8_der().unwrap().as_bytes()).unwrap()
        };
        let here = || {
            ours.sign(black_box(&digest), &mut [0; MAX_SIGNATURE])
                .unwrap();
        };
        let there = || {
            key.pkcs1v15_sign_prehash::<Sha256>(black_box(&digest))
                .unwrap();
        };
        compare(&format!("RSA-{bits} sign (not blinded there)"), here, there);
    }
}

fn ed25519() {
    use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
    let key = Ed25519SigningKey::from_seed(&[7; 32]);
    let other = SigningKey::from_bytes(&[7; 32]);
    let public = key.public_key();
    let signature = other.sign(b"message").to_bytes();
    let here = || {
        let public = PublicKey::Ed25519(black_box(&public));
        ED25519.verify(public, b"message", &signature).unwrap();
    };
    let there = || {
        let public = VerifyingKey::from_bytes(black_box(&public)).unwrap();
        let signature = Signature::from_bytes(&signature);
        public.verify_strict(b"message", &signature).unwrap();
    };
    compare("Ed25519 verify", here, there);
    let here = || {
        key.sign(black_box(b"message"), &mut [0; MAX_SIGNATURE])
            .unwrap();
    };
    let there = || {
        black_box(other.sign(black_box(b"message")));
    };
    compare("Ed25519 sign", here, there);
}

fn ecdsa() {
    use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
    use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
    let key = SigningKey::from_bytes(&[7; 32].into()).unwrap();
    let digest = Sha256::digest(b"message");
    let signature: Signature = key.sign_prehash(&digest).unwrap();
    let bytes = signature.to_bytes();
    let public = key.verifying_key().to_sec1_point(false);
    let public = public.as_bytes().get(1..).unwrap();
    let here = || {
        let public = PublicKey::Ecdsa(black_box(public));
        ECDSA_P256_SHA256.verify(public, &digest, &bytes).unwrap();
    };
    let verifying: &VerifyingKey = key.verifying_key();
    let there = || {
        verifying
            .verify_prehash(black_box(&digest), &signature)
            .unwrap();
    };
    compare("P-256 verify (key decoded there)", here, there);
}

/// Prints the time of both in microseconds.
fn compare(name: &str, mut here: impl FnMut(), mut there: impl FnMut()) {
    let started = Instant::now();
    here();
    there();
    let once = started.elapsed().as_nanos().max(1);
    let repeat = u32::try_from(2_000_000 / once).unwrap().clamp(1, 10_000);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..51 {
        for (times, code) in times
            .iter_mut()
            .zip([&mut here as &mut dyn FnMut(), &mut there])
        {
            let started = Instant::now();
            for _ in 0..repeat {
                code();
            }
            times.push(started.elapsed().as_secs_f64() * 1e6 / f64::from(repeat));
        }
    }
    let [here, there] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or_default()
    });
    println!(
        "{name:32} {here:9.3} us {there:9.3} us  {:.2}",
        here / there
    );
}

/// Octets that are good enough for keys that are thrown away.
struct Count(u64);

impl TryRng for Count {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        self.try_fill_bytes(&mut octets)?;
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        self.try_fill_bytes(&mut octets)?;
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Infallible> {
        for chunk in octets.chunks_mut(32) {
            self.0 += 1 << 32;
            chunk.copy_from_slice(
                Sha256::digest(self.0.to_le_bytes())
                    .get(..chunk.len())
                    .unwrap(),
            );
        }
        Ok(())
    }
}

impl TryCryptoRng for Count {}
