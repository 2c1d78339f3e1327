//! Ed25519: the vectors of RFC 8032 and RFC 8463, forgeries that lenient verifiers take, key files.
#![cfg(feature = "ed25519")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use scop_core::crypto::{MAX_SIGNATURE, PublicKey, Sign, SignatureAlgorithm, Verify, VerifyError};
use scop_crypto::{ED25519, Ed25519SigningKey, KeyError, RUST_CRYPTO};

fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .map(|digit| u8::try_from(digit).unwrap())
    };
    let digits: Vec<u8> = text.bytes().filter_map(digit).collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn seed(text: &str) -> [u8; 32] {
    hex(text).try_into().unwrap()
}

fn sign(key: &dyn Sign, message: &[u8]) -> Vec<u8> {
    let mut signature = [0; MAX_SIGNATURE];
    let len = key.sign(message, &mut signature).unwrap();
    signature[..len].to_vec()
}

fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
    ED25519.verify(PublicKey::Ed25519(key), message, signature)
}

/// RFC 8032 7.1: TEST 1, 2, 3 and SHA(abc), as (seed, public key, message, signature).
const VECTORS: &[[&str; 4]] = &[
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555\
         fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589\
         09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
];

#[test]
fn rfc_8032_vectors() {
    for [secret, public, message, signature] in VECTORS {
        let key = Ed25519SigningKey::from_seed(&seed(secret));
        let (message, signature) = (hex(message), hex(signature));
        assert_eq!(key.public_key().to_vec(), hex(public));
        assert_eq!(sign(&key, &message), signature);
        assert_eq!(verify(&key.public_key(), &message, &signature), Ok(()));
    }
}

/// RFC 8463 A.2: the key of the DKIM examples, whose signatures are over a SHA-256 digest.
#[test]
fn rfc_8463_key() {
    let key = Ed25519SigningKey::from_seed(&seed(VECTORS[0][0]));
    // nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A= and 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    let public = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    assert_eq!(key.public_key().to_vec(), public);
    let digest = RUST_CRYPTO
        .hash(scop_core::crypto::HashAlgorithm::Sha256)
        .unwrap();
    let digest = digest.finish(digest.start());
    let verifier = RUST_CRYPTO.verifier(SignatureAlgorithm::Ed25519).unwrap();
    let signature = sign(&key, digest.as_bytes());
    let public = PublicKey::Ed25519(&public);
    assert_eq!(
        verifier.verify(public, digest.as_bytes(), &signature),
        Ok(())
    );
}

#[test]
fn one_changed_bit_anywhere_fails() {
    let key = Ed25519SigningKey::from_seed(&[7; 32]);
    let (public, message) = (key.public_key(), *b"message");
    let good = sign(&key, &message);
    assert_eq!(verify(&public, &message, &good), Ok(()));
    for bit in 0..512 {
        let mut signature = good.clone();
        signature[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            verify(&public, &message, &signature),
            Err(VerifyError),
            "{bit}"
        );
    }
    for bit in 0..256 {
        let mut public = public;
        public[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(verify(&public, &message, &good), Err(VerifyError), "{bit}");
    }
    assert_eq!(verify(&public, b"massage", &good), Err(VerifyError));
}

#[test]
fn other_lengths_and_other_keys_fail() {
    let key = Ed25519SigningKey::from_seed(&[7; 32]);
    let good = sign(&key, b"message");
    let longer = [&good[..], &[0]].concat();
    for signature in [&[][..], &good[..63], &longer] {
        assert_eq!(
            verify(&key.public_key(), b"message", signature),
            Err(VerifyError)
        );
    }
    let public = key.public_key();
    let longer = [&public[..], &[0]].concat();
    for public in [&[][..], &public[..31], &longer] {
        assert_eq!(verify(public, b"message", &good), Err(VerifyError));
    }
    let ecdsa = PublicKey::Ecdsa(&public);
    assert_eq!(ED25519.verify(ecdsa, b"message", &good), Err(VerifyError));
}

/// With a key and an `R` of small order and `S` zero, one signature fits many messages.
#[test]
fn keys_of_small_order_fail() {
    // The points of order 1, 2, 4 and 8, and encodings of the same whose y is not reduced.
    let points = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let mut lenient = 0;
    for point in points.map(seed) {
        for r in points.map(seed) {
            let signature = [r, [0; 32]].concat();
            for message in 0..16u8 {
                assert_eq!(verify(&point, &[message], &signature), Err(VerifyError));
                let taken = VerifyingKey::from_bytes(&point).is_ok_and(|key| {
                    let signature = Signature::from_slice(&signature).unwrap();
                    key.verify(&[message], &signature).is_ok()
                });
                lenient += usize::from(taken);
            }
        }
    }
    assert!(
        lenient > 100,
        "these are forgeries: a lenient verifier takes {lenient} of them"
    );
}

/// `S` plus the group order gives the same point, and a second signature of the same message.
#[test]
fn a_scalar_that_is_not_reduced_fails() {
    let key = Ed25519SigningKey::from_seed(&[7; 32]);
    let mut signature = sign(&key, b"message");
    let order = seed("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (slot, octet) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*slot) + u16::from(octet) + carry;
        *slot = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert_eq!(
        verify(&key.public_key(), b"message", &signature),
        Err(VerifyError)
    );
}

/// RFC 8410 10.3.
const PEM: &[u8] = b"-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

/// The same key with an attribute and the public key.
const PEM_V2: &[u8] = b"-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
";

#[test]
fn rfc_8410_examples() {
    let public = hex("19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
    for pem in [PEM, PEM_V2] {
        let key = Ed25519SigningKey::from_pem(pem).unwrap();
        assert_eq!(key.public_key().to_vec(), public);
        #[cfg(feature = "alloc")]
        assert_eq!(key.to_pkcs8_pem().unwrap().as_bytes(), PEM);
    }
}

#[test]
fn a_key_comes_back_from_its_der() {
    let key = Ed25519SigningKey::from_seed(&[9; 32]);
    let der = key.to_pkcs8_der();
    let again = Ed25519SigningKey::from_pkcs8_der(der.as_slice()).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    assert_eq!(again.to_pkcs8_der(), der);
    assert_eq!(
        format!("{key:?}"),
        "Ed25519SigningKey",
        "nothing of the secret"
    );
}

#[test]
fn der_that_is_not_a_key_fails() {
    let der = Ed25519SigningKey::from_seed(&[9; 32])
        .to_pkcs8_der()
        .to_vec();
    let read = |der: &[u8]| Ed25519SigningKey::from_pkcs8_der(der).map(|key| key.public_key());
    for len in 0..der.len() {
        assert_eq!(read(&der[..len]), Err(KeyError::Malformed), "{len}");
    }
    assert_eq!(read(&[&der[..], &[0]].concat()), Err(KeyError::Malformed));
    // An octet more in the outer of the two octet strings around the seed.
    let mut longer = [&der[..], &[0]].concat();
    longer[1] += 1;
    longer[13] += 1;
    assert_eq!(read(&longer), Err(KeyError::Malformed));
    // Before the seed every octet counts.
    for at in 0..16 {
        for mask in 1..=255 {
            let mut der = der.clone();
            der[at] ^= mask;
            let result = read(&der);
            match at {
                // Version 2 without a public key is a key too (RFC 5958 2 makes it optional).
                4 if mask == 1 => assert!(result.is_ok()),
                // Octets of the object identifier, and those that shift what is one.
                6..=11 => assert!(matches!(
                    result,
                    Err(KeyError::Algorithm | KeyError::Malformed)
                )),
                _ => assert_eq!(result, Err(KeyError::Malformed), "{at} {mask}"),
            }
        }
    }
}

#[test]
fn a_public_key_that_is_not_that_of_the_private_key_fails() {
    let key = Ed25519SigningKey::from_seed(&[9; 32]);
    let with = |public: &[u8], version: u8| {
        let mut der = key.to_pkcs8_der().to_vec();
        der.extend([0x81, u8::try_from(public.len()).unwrap()]);
        der.extend(public);
        der[1] = u8::try_from(der.len() - 2).unwrap();
        der[4] = version;
        Ed25519SigningKey::from_pkcs8_der(&der).map(|key| key.public_key())
    };
    let mut public = [&[0], &key.public_key()[..]].concat();
    assert_eq!(with(&public, 1), Ok(key.public_key()));
    assert_eq!(
        with(&public, 0),
        Err(KeyError::Malformed),
        "version 1 has no public key"
    );
    assert_eq!(
        with(&public, 2),
        Err(KeyError::Malformed),
        "no such version"
    );
    assert_eq!(with(&public[..32], 1), Err(KeyError::Malformed));
    public[0] = 1;
    assert_eq!(with(&public, 1), Err(KeyError::Malformed), "unused bits");
    public[0] = 0;
    public[1] ^= 1;
    assert_eq!(with(&public, 1), Err(KeyError::Malformed));
}

#[test]
fn pem_that_is_not_one_private_key_fails() {
    let read = |pem: &[u8]| Ed25519SigningKey::from_pem(pem).map(drop);
    let text = String::from_utf8(PEM.to_vec()).unwrap();
    let relabel = |label: &str| text.replace("PRIVATE KEY", label).into_bytes();
    assert_eq!(read(b""), Err(KeyError::Pem));
    assert_eq!(read(b"\xff\x00"), Err(KeyError::Pem));
    assert_eq!(read(&PEM[..80]), Err(KeyError::Pem));
    assert_eq!(read(&relabel("PUBLIC KEY")), Err(KeyError::Pem));
    assert_eq!(read(&relabel("EC PRIVATE KEY")), Err(KeyError::Pem));
    assert_eq!(read(&relabel("RSA PRIVATE KEY")), Err(KeyError::Algorithm));
    assert_eq!(
        read(&relabel("ENCRYPTED PRIVATE KEY")),
        Err(KeyError::Encrypted)
    );
    let headers = text.replace("MC4C", "Proc-Type: 4,ENCRYPTED\n\nMC4C");
    assert_eq!(read(headers.as_bytes()), Err(KeyError::Encrypted));
    assert_eq!(read(text.replace('\n', "\r\n").as_bytes()), Ok(()));
    assert_eq!(
        read([&b"A comment before it.\n"[..], PEM].concat().as_slice()),
        Ok(())
    );
}
