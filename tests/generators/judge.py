"""Judges generated values with libraries that share no code with the provider.

Reads {"claim", "argument", "parts"} from standard input, prints the claim if it is true, and fails otherwise.
"""

import base64
import hashlib
import json
import sys
import zlib

import jwt
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

SIGNED_WITH = {
    "ed25519": ["EdDSA"],
    "ecdsa_p256": ["ES256"],
    "ecdsa_p384": ["ES384"],
    "rsa_2048": ["RS256", "PS256"],
    "rsa_3072": ["RS384"],
    "rsa_4096": ["RS512", "PS512"],
}
THUMBPRINT_MEMBERS = {"EC": ["crv", "kty", "x", "y"], "OKP": ["crv", "kty", "x"], "RSA": ["e", "kty", "n"]}
PRIVATE_MEMBERS = {"EC": {"d"}, "OKP": {"d"}, "RSA": {"d", "p", "q", "dp", "dq", "qi"}}


def private_der(key):
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key):
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def check_kind(algorithm, key):
    family, _, size = algorithm.partition("_")
    if family == "ed25519":
        assert isinstance(key, ed25519.Ed25519PrivateKey)
    elif family == "ecdsa":
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert key.curve.name == {"p256": "secp256r1", "p384": "secp384r1"}[size]
    else:
        assert isinstance(key, rsa.RSAPrivateKey)
        assert key.key_size == int(size)
        assert key.public_key().public_numbers().e == 65537


def key_pair(algorithm, parts):
    pem = parts["private_key_pem"]
    assert pem.startswith("-----BEGIN PRIVATE KEY-----\n") and pem.endswith("-----END PRIVATE KEY-----\n")
    key = serialization.load_pem_private_key(pem.encode(), None)
    check_kind(algorithm, key)
    assert parts["public_key_pem"] == public_pem(key.public_key())

    private, public = json.loads(parts["private_jwk"]), json.loads(parts["public_jwk"])
    kty = public["kty"]
    required = {name: public[name] for name in THUMBPRINT_MEMBERS[kty]}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":")).encode()
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).decode().rstrip("=")
    assert parts["kid"] == thumbprint == public["kid"]
    further = {"kid"} if kty == "RSA" else {"kid", "alg", "use"}
    assert set(public) == set(required) | further
    assert set(private) == set(public) | PRIVATE_MEMBERS[kty]
    assert all(private[name] == public[name] for name in public)

    if kty == "RSA":
        numbers = key.private_numbers()
        expected = dict(zip(["d", "p", "q", "dp", "dq", "qi"],
                            [numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp]))
        for name, number in expected.items():
            size = (number.bit_length() + 7) // 8
            minimal = base64.urlsafe_b64encode(number.to_bytes(size, "big")).decode().rstrip("=")
            assert private[name] == minimal, name

    for signed_with in SIGNED_WITH[algorithm]:
        assert public.get("alg", signed_with) == signed_with
        from_jwk = jwt.PyJWK(private, algorithm=signed_with).key
        assert private_der(from_jwk) == private_der(key)
        verifier = jwt.PyJWK(public, algorithm=signed_with).key
        for signer in (key, from_jwk):
            token = jwt.encode({"sub": "x"}, signer, algorithm=signed_with, headers={"kid": parts["kid"]})
            assert jwt.decode(token, verifier, algorithms=[signed_with]) == {"sub": "x"}
            pem_verifier = serialization.load_pem_public_key(parts["public_key_pem"].encode())
            assert jwt.decode(token, pem_verifier, algorithms=[signed_with]) == {"sub": "x"}


def fernet_key(_, parts):
    value = parts["value"]
    assert len(value) == 44 and value.endswith("=")
    token = Fernet(value.encode()).encrypt(b"text")
    assert Fernet(value.encode()).decrypt(token) == b"text"


def random_bytes(argument, parts):
    encoding, count = argument.split()
    value = parts["value"]
    if encoding == "hex":
        assert value == value.lower()
        decoded = bytes.fromhex(value)
    elif encoding == "base64":
        decoded = base64.b64decode(value, validate=True)
    else:
        assert "=" not in value
        decoded = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    assert len(decoded) == int(count)


def checksum(_, parts):
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    body, end = parts["value"][:-6], parts["value"][-6:]
    number = 0
    for digit in end:
        number = number * 62 + digits.index(digit)
    assert number == zlib.crc32(body.encode())


question = json.load(sys.stdin)
judges = {judge.__name__: judge for judge in (key_pair, fernet_key, random_bytes, checksum)}
judges[question["claim"]](question["argument"], question["parts"])
print(question["claim"])
