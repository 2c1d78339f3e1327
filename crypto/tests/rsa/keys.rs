//! Keys for the tests, made from a seed once for a process.

use core::convert::Infallible;
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::PublicKeyParts;
use sha2::{Digest, Sha256};

/// Octets from a seed: the digests of the seed and a counter.
pub(crate) struct SeededRng(u64, u64);

impl SeededRng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed, 0)
    }
}

impl TryRng for SeededRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(32) {
            self.1 += 1;
            let block = Sha256::digest([self.0.to_le_bytes(), self.1.to_le_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for SeededRng {}

/// A key of this many bits; the exponent is 65537 unless another is asked for.
pub(crate) fn key(bits: usize, exponent: u64) -> &'static rsa::PrivateKey {
    static KEYS: LazyLock<Mutex<BTreeMap<(usize, u64), &'static rsa::PrivateKey>>> =
        LazyLock::new(Mutex::default);
    KEYS.lock()
        .unwrap()
        .entry((bits, exponent))
        .or_insert_with(|| {
            let mut rng = SeededRng::new(bits as u64);
            let key = rsa::PrivateKey::new_with_exp(&mut rng, bits, exponent.into()).unwrap();
            assert_eq!(key.n().bit_width_vartime() as usize, bits);
            Box::leak(Box::new(key))
        })
}
