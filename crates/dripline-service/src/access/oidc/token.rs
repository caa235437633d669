//! What a provider vouches for: a signed token, and whether it is signed by one of its keys, for us, now.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::Value;

use super::Refusal;

/// Seconds by which two clocks may differ.
const SKEW: i64 = 60;
/// Seconds after which a token is too old to be about the sign-in that has just been.
const OLDEST: i64 = 10 * 60;

/// A provider's keys.
#[derive(Deserialize)]
pub(super) struct Keys {
    keys: Vec<Key>,
}

/// One of them. What is not understood of a key, as another type, is passed over.
#[derive(Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    for_what: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// How a token is signed. Only with keys of the provider's own: `none` and those of a shared secret are not here.
#[derive(Clone, Copy)]
enum Algorithm {
    Rsa(&'static RsaParameters),
    Curve { name: &'static str, kty: &'static str, check: &'static dyn VerificationAlgorithm },
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA256),
            "PS256" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA256),
            "ES256" => Algorithm::Curve { name: "P-256", kty: "EC", check: &ECDSA_P256_SHA256_FIXED },
            "ES384" => Algorithm::Curve { name: "P-384", kty: "EC", check: &ECDSA_P384_SHA384_FIXED },
            "EdDSA" => Algorithm::Curve { name: "Ed25519", kty: "OKP", check: &ED25519 },
            _ => return None,
        })
    }
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// What a token must say.
pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub client: &'a str,
    pub nonce: &'a str,
    pub now: i64,
}

impl Keys {
    /// Whether the key that a token names is one of these.
    pub fn has_key_of(&self, token: &str) -> bool {
        let head = token.split('.').next().and_then(part_of::<Head>);
        head.is_some_and(|h| self.fitting(&h).next().is_some())
    }

    fn fitting<'a>(&'a self, head: &'a Head) -> impl Iterator<Item = &'a Key> {
        self.keys.iter().filter(move |key| {
            let of_kind = match Algorithm::named(&head.alg) {
                Some(Algorithm::Rsa(_)) => key.kty == "RSA",
                Some(Algorithm::Curve { name, kty, .. }) => key.kty == kty && key.crv.as_deref() == Some(name),
                None => false,
            };
            of_kind
                && key.for_what.as_deref().is_none_or(|u| u == "sig")
                && key.alg.as_deref().is_none_or(|a| a == head.alg)
                && head.kid.as_ref().is_none_or(|kid| key.kid.as_ref() == Some(kid))
        })
    }
}

impl Key {
    /// Whether the key made a signature.
    fn made(&self, signature: &[u8], of: &[u8], algorithm: Algorithm) -> bool {
        let bytes = |field: &Option<String>| Base64UrlUnpadded::decode_vec(field.as_deref()?).ok();
        match algorithm {
            Algorithm::Rsa(parameters) => {
                let (Some(n), Some(e)) = (bytes(&self.n), bytes(&self.e)) else { return false };
                RsaPublicKeyComponents { n, e }.verify(parameters, of, signature).is_ok()
            }
            Algorithm::Curve { kty, check, .. } => {
                let point = match (kty, bytes(&self.x), bytes(&self.y)) {
                    ("OKP", Some(x), _) => x,
                    ("EC", Some(x), Some(y)) => [vec![4], x, y].concat(),
                    _ => return false,
                };
                UnparsedPublicKey::new(check, point).verify(of, signature).is_ok()
            }
        }
    }
}

fn part_of<T: for<'a> Deserialize<'a>>(part: &str) -> Option<T> {
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).ok()?).ok()
}

/// The claims of a token that holds.
pub(super) fn verified(token: &str, keys: &Keys, expected: &Expected) -> Result<Value, Refusal> {
    let unsigned = Refusal::Answer("the token is not signed by the provider");
    let (signed, signature) = token.rsplit_once('.').ok_or(unsigned)?;
    let (head, body) = signed.split_once('.').ok_or(unsigned)?;
    let head: Head = part_of(head).ok_or(unsigned)?;
    let signature = Base64UrlUnpadded::decode_vec(signature).map_err(|_| unsigned)?;
    let algorithm = Algorithm::named(&head.alg).filter(|_| head.crit.is_none()).ok_or(unsigned)?;
    if !keys.fitting(&head).any(|key| key.made(&signature, signed.as_bytes(), algorithm)) {
        return Err(unsigned);
    }
    let claims: Value = part_of(body).ok_or(Refusal::Answer("the token cannot be read"))?;
    let text = |name: &str| claims[name].as_str();
    // A provider may write seconds with a fraction.
    let time = |name: &str| claims[name].as_i64().or_else(|| claims[name].as_f64().map(|s| s as i64));
    let check = |good: bool, what: &'static str| if good { Ok(()) } else { Err(Refusal::Answer(what)) };
    check(text("iss") == Some(expected.issuer), "the token is of another provider")?;
    let (audience, parties) = match &claims["aud"] {
        Value::String(one) => (one == expected.client, 1),
        Value::Array(all) => (all.iter().any(|a| a == expected.client), all.len()),
        _ => (false, 0),
    };
    let party = match &claims["azp"] {
        Value::Null => parties == 1,
        party => *party == expected.client,
    };
    check(audience && party, "the token is for another service")?;
    check(text("nonce") == Some(expected.nonce), "the token belongs to another sign-in")?;
    check(time("exp").is_some_and(|t| expected.now < t + SKEW), "the token has run out")?;
    let issued = time("iat").is_some_and(|t| (expected.now - OLDEST..=expected.now + SKEW).contains(&t));
    check(issued, "the token was not made just now; the clocks may differ")?;
    let begins = claims["nbf"].is_null() || time("nbf").is_some_and(|t| t <= expected.now + SKEW);
    check(begins, "the token does not hold yet")?;
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(value: Value) -> Key {
        serde_json::from_value(value).unwrap()
    }

    /// The examples of RFC 7515, appendices A.2 and A.3, and of RFC 8037, appendix A.4.
    #[test]
    fn published_signatures_hold_and_changed_ones_do_not() {
        let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let rsa = key(
            json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" }),
        );
        let ec = key(
            json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }),
        );
        let ed = key(json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }));
        let cases = [
            (
                "RS256",
                &rsa,
                format!("eyJhbGciOiJSUzI1NiJ9.{payload}"),
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ),
            (
                "ES256",
                &ec,
                format!("eyJhbGciOiJFUzI1NiJ9.{payload}"),
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
            (
                "EdDSA",
                &ed,
                "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ),
        ];
        for (name, key, signed, signature) in &cases {
            let algorithm = Algorithm::named(name).unwrap();
            let signature = Base64UrlUnpadded::decode_vec(signature).unwrap();
            assert!(key.made(&signature, signed.as_bytes(), algorithm), "{name}");
            assert!(!key.made(&signature, format!("{signed}A").as_bytes(), algorithm), "{name}");
            let mut changed = signature.clone();
            changed[3] ^= 1;
            assert!(!key.made(&changed, signed.as_bytes(), algorithm), "{name}");
            assert!(!key.made(&[], signed.as_bytes(), algorithm));
            for (other, ..) in cases.iter().filter(|c| c.0 != *name) {
                assert!(!key.made(&signature, signed.as_bytes(), Algorithm::named(other).unwrap()), "{name} {other}");
            }
        }
        for name in ["none", "HS256", "RS1", "rs256", ""] {
            assert!(Algorithm::named(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_key_is_taken_for_what_it_says_it_is() {
        let keys: Keys = serde_json::from_value(json!({ "keys": [
            { "kty": "EC", "crv": "P-256", "kid": "a", "use": "sig" },
            { "kty": "EC", "crv": "P-256", "kid": "b", "use": "enc" },
            { "kty": "EC", "crv": "P-384", "kid": "c" },
            { "kty": "RSA", "kid": "d", "alg": "PS256" },
            { "kty": "oct", "kid": "e" },
        ] }))
        .unwrap();
        let fit = |alg: &str, kid: Option<&str>| {
            let head = Head { alg: alg.to_owned(), kid: kid.map(str::to_owned), crit: None };
            keys.fitting(&head).map(|k| k.kid.clone().unwrap()).collect::<String>()
        };
        assert_eq!(
            (fit("ES256", None), fit("ES256", Some("a")), fit("ES256", Some("b"))),
            ("a".into(), "a".into(), String::new())
        );
        assert_eq!(
            (fit("ES384", None), fit("PS256", None), fit("RS256", None)),
            ("c".into(), "d".into(), String::new())
        );
        assert_eq!((fit("HS256", Some("e")), fit("none", None)), (String::new(), String::new()));
    }
}
