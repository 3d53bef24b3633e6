//! The source `key_pair`.

use rotation_provider::terraform::Value;

use super::{configured, judge, mint, part, problem};

const ALGORITHMS: [&str; 6] = [
    "ed25519",
    "ecdsa_p256",
    "ecdsa_p384",
    "rsa_2048",
    "rsa_3072",
    "rsa_4096",
];

fn arguments(algorithm: &str) -> Value {
    Value::object([("algorithm", Value::string(algorithm))])
}

#[tokio::test]
async fn every_key_pair_is_read_signed_with_and_verified_by_independent_libraries() {
    for algorithm in ALGORITHMS {
        judge("key_pair", algorithm, &mint("key_pair", &arguments(algorithm)).await);
    }
}

#[tokio::test]
async fn what_is_public_is_the_same_as_the_parts_and_holds_nothing_private() {
    for algorithm in ["ed25519", "ecdsa_p384", "rsa_2048"] {
        let minted = mint("key_pair", &arguments(algorithm)).await;
        let names: Vec<&str> = minted.public.keys().map(String::as_str).collect();
        assert_eq!(names, ["kid", "public_jwk", "public_key_pem"]);
        let private: serde_json::Value = serde_json::from_str(&part(&minted, "private_jwk")).unwrap();
        for (name, value) in &minted.public {
            assert_eq!(*value, part(&minted, name));
            for member in ["d", "p", "q", "dp", "dq", "qi"]
                .iter()
                .filter_map(|member| private[member].as_str())
            {
                assert!(!value.contains(member), "{algorithm}: {name}");
            }
            assert!(!value.contains("PRIVATE"));
        }
    }
}

#[test]
fn an_algorithm_that_does_not_exist_is_refused_with_those_that_do() {
    for value in [arguments("rsa_1024"), arguments("ES256"), Value::object([])] {
        let (path, text) = problem("key_pair", &value);
        assert_eq!(path, "algorithm");
        for algorithm in ALGORITHMS {
            assert!(text.contains(algorithm), "{text}");
        }
    }
}

#[test]
fn another_algorithm_is_a_reason_to_rotate() {
    let fingerprint = |algorithm| configured("key_pair", &arguments(algorithm)).fingerprint();
    assert_eq!(fingerprint("rsa_2048"), fingerprint("rsa_2048"));
    assert_ne!(fingerprint("rsa_2048"), fingerprint("rsa_4096"));
}
