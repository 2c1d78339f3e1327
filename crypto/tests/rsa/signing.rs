//! Signing keys: files read and written, and what they sign.

use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::traits::PublicKeyParts;
use scop_core::crypto::{MAX_SIGNATURE, PublicKey, Sign, SignError, Verify};
use scop_crypto::{KeyError, RSA_SHA256, RsaSigningKey};
use sha2::{Digest, Sha256};

use crate::keys::{SeededRng, key};

fn sign(key: &RsaSigningKey, digest: &[u8]) -> Vec<u8> {
    let mut signature = [0; MAX_SIGNATURE];
    let len = key.sign(digest, &mut signature).unwrap();
    assert!(signature[len..].iter().all(|byte| *byte == 0));
    signature[..len].to_vec()
}

#[test]
fn signatures_are_those_of_the_rsa_crate_and_verify() {
    for bits in [1024, 1032, 2047, 2048, 4096] {
        let oracle = key(bits, 65537);
        let key = RsaSigningKey::from_pkcs8_der(oracle.to_pkcs8_der().unwrap().as_bytes()).unwrap();
        assert_eq!(key.bits() as usize, bits);
        for message in 0..4u8 {
            let digest = Sha256::digest([message]);
            let signature = sign(&key, &digest);
            assert_eq!(
                signature,
                oracle.pkcs1v15_sign_prehash::<Sha256>(&digest).unwrap()
            );
            let public = PublicKey::Rsa {
                modulus: &oracle.n_bytes(),
                exponent: &oracle.e_bytes(),
            };
            assert_eq!(RSA_SHA256.verify(public, &digest, &signature), Ok(()));
        }
    }
}

#[test]
fn what_is_not_a_digest_is_not_signed() {
    let der = key(1024, 65537).to_pkcs8_der().unwrap();
    let key = RsaSigningKey::from_pkcs8_der(der.as_bytes()).unwrap();
    for len in [0, 20, 31, 33, 64] {
        let input = vec![1; len];
        assert_eq!(key.sign(&input, &mut [0; MAX_SIGNATURE]), Err(SignError));
    }
}

#[test]
fn a_key_comes_back_from_each_form() {
    let oracle = key(1032, 65537);
    let der = oracle.to_pkcs8_der().unwrap();
    let pem = oracle.to_pkcs8_pem(LineEnding::LF).unwrap();
    let old_der = oracle.to_pkcs1_der().unwrap();
    let old_pem = oracle.to_pkcs1_pem(LineEnding::CRLF).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(old_pem.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    for key in [
        RsaSigningKey::from_pkcs8_der(der.as_bytes()),
        RsaSigningKey::from_pkcs1_der(old_der.as_bytes()),
        RsaSigningKey::from_pem(pem.as_bytes()),
        RsaSigningKey::from_pem(old_pem.as_bytes()),
    ] {
        let key = key.unwrap();
        assert_eq!(key.to_pkcs8_der().unwrap().as_slice(), der.as_bytes());
        assert_eq!(key.to_pkcs8_pem().unwrap().as_str(), pem.as_str());
        let public = oracle.as_public_key().to_public_key_der().unwrap();
        assert_eq!(key.public_key_der(), public.as_bytes());
    }
}

#[test]
fn generated_keys_sign() {
    let key = RsaSigningKey::generate(1024, &mut SeededRng::new(3)).unwrap();
    let again = RsaSigningKey::generate(1024, &mut SeededRng::new(3)).unwrap();
    let other = RsaSigningKey::generate(1024, &mut SeededRng::new(4)).unwrap();
    assert_eq!(key.public_key_der(), again.public_key_der());
    assert_ne!(key.public_key_der(), other.public_key_der());
    assert_eq!(key.bits(), 1024);
    let digest = Sha256::digest(b"message");
    assert_ne!(sign(&key, &digest), sign(&other, &digest));
    assert_eq!(sign(&key, &digest), sign(&again, &digest));
    assert_eq!(
        format!("{key:?}"),
        "RsaSigningKey(1024 bits)",
        "nothing of the secret"
    );
}

#[test]
fn keys_out_of_bounds_fail() {
    for bits in [0, 512, 1023, 4097, 8192, usize::MAX] {
        let result = RsaSigningKey::generate(bits, &mut SeededRng::new(3)).map(drop);
        assert_eq!(result, Err(KeyError::Size), "{bits}");
    }
    let mut rng = SeededRng::new(1);
    let mut unchecked = |bits, exponent: u64| {
        rsa::PrivateKey::new_with_exp_unchecked(&mut rng, bits, exponent.into()).unwrap()
    };
    for key in [
        unchecked(1023, 65537),
        unchecked(4104, 65537),
        unchecked(1024, 0x1_0000_0001),
    ] {
        let der = key.to_pkcs8_der().unwrap();
        let result = RsaSigningKey::from_pkcs8_der(der.as_bytes()).map(drop);
        assert_eq!(result, Err(KeyError::Size));
    }
}

#[test]
fn der_that_is_not_a_key_fails() {
    let der = key(1024, 65537).to_pkcs8_der().unwrap();
    let der = der.as_bytes();
    let read = |der: &[u8]| RsaSigningKey::from_pkcs8_der(der).map(drop);
    for len in (0..der.len()).step_by(7) {
        assert_eq!(read(&der[..len]), Err(KeyError::Malformed), "{len}");
    }
    assert_eq!(read(&[der, &[0]].concat()), Err(KeyError::Malformed));
    // The object identifier of RSASSA-PSS: a key that is not for this scheme.
    let at = der
        .windows(3)
        .position(|part| part == b"\x01\x01\x01")
        .unwrap();
    let mut pss = der.to_vec();
    pss[at + 2] = 0x0a;
    assert_eq!(read(&pss), Err(KeyError::Algorithm));
    // Numbers that do not belong together; what can be computed from them is, and is not read.
    for at in [40, 200, 350, 400] {
        let mut wrong = der.to_vec();
        wrong[at] ^= 1;
        assert_eq!(read(&wrong), Err(KeyError::Malformed), "{at}");
    }
    let public = key(1024, 65537)
        .as_public_key()
        .to_public_key_der()
        .unwrap();
    assert_eq!(read(public.as_bytes()), Err(KeyError::Malformed));
    assert_eq!(
        RsaSigningKey::from_pkcs1_der(der).map(drop),
        Err(KeyError::Malformed)
    );
}

#[test]
fn a_public_key_that_is_not_that_of_the_private_key_fails() {
    use rsa::pkcs1::EncodeRsaPublicKey;
    let read = |public: &rsa::PublicKey| {
        let mut der = key(1024, 65537).to_pkcs8_der().unwrap().as_bytes().to_vec();
        let public = public.to_pkcs1_der().unwrap().into_vec();
        let len = u8::try_from(public.len() + 1).unwrap();
        der.extend([0x81, 0x81, len, 0]);
        der.extend(public);
        let len = u16::try_from(der.len() - 4).unwrap();
        der[2..4].copy_from_slice(&len.to_be_bytes());
        der[6] = 1;
        RsaSigningKey::from_pkcs8_der(&der).map(drop)
    };
    assert_eq!(read(key(1024, 65537).as_public_key()), Ok(()));
    assert_eq!(read(key(1024, 3).as_public_key()), Err(KeyError::Malformed));
}

#[cfg(feature = "ed25519")]
#[test]
fn a_key_of_the_other_algorithm_is_called_that() {
    use scop_crypto::Ed25519SigningKey;
    let rsa = key(2048, 65537);
    let ed25519 = Ed25519SigningKey::from_seed(&[1; 32]);
    let (der, pem) = (ed25519.to_pkcs8_der(), ed25519.to_pkcs8_pem().unwrap());
    let found = RsaSigningKey::from_pkcs8_der(der.as_slice()).map(drop);
    assert_eq!(found, Err(KeyError::Algorithm));
    assert_eq!(
        RsaSigningKey::from_pem(pem.as_bytes()).map(drop),
        Err(KeyError::Algorithm)
    );
    let der = rsa.to_pkcs8_der().unwrap();
    let found = Ed25519SigningKey::from_pkcs8_der(der.as_bytes()).map(drop);
    assert_eq!(found, Err(KeyError::Algorithm));
    for pem in [
        rsa.to_pkcs8_pem(LineEnding::LF).unwrap(),
        rsa.to_pkcs1_pem(LineEnding::LF).unwrap(),
    ] {
        let found = Ed25519SigningKey::from_pem(pem.as_bytes()).map(drop);
        assert_eq!(found, Err(KeyError::Algorithm));
    }
}

#[test]
fn pem_that_is_not_one_private_key_fails() {
    let pem = key(1024, 65537).to_pkcs8_pem(LineEnding::LF).unwrap();
    let read = |pem: &str| RsaSigningKey::from_pem(pem.as_bytes()).map(drop);
    assert_eq!(read(""), Err(KeyError::Pem));
    assert_eq!(read(&pem[..pem.len() / 2]), Err(KeyError::Pem));
    assert_eq!(read(&pem.replace("PRIVATE", "PUBLIC")), Err(KeyError::Pem));
    assert_eq!(
        read(&pem.replace("PRIVATE", "ENCRYPTED PRIVATE")),
        Err(KeyError::Encrypted)
    );
    assert_eq!(
        read(&pem.replace("PRIVATE", "RSA PRIVATE")),
        Err(KeyError::Malformed)
    );
}
