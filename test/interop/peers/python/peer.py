"""Signs, verifies and discovers JWTs with PyJWT, and with joserfc and cryptography where PyJWT has no such algorithm.

One JSON request a line on standard input, one answer a line on standard output.
"""

import base64
import json
import ssl
import sys
import urllib.request

import jwt
from cryptography.hazmat.primitives.asymmetric import mldsa
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

MLDSA = {
    "ML-DSA-44": (mldsa.MLDSA44PrivateKey, mldsa.MLDSA44PublicKey),
    "ML-DSA-65": (mldsa.MLDSA65PrivateKey, mldsa.MLDSA65PublicKey),
    "ML-DSA-87": (mldsa.MLDSA87PrivateKey, mldsa.MLDSA87PublicKey),
}


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def key_of(request):
    if request["form"] == "pem":
        return request["key"]
    return jwt.PyJWK(json.loads(request["key"]), algorithm=request["alg"]).key


def sign(request):
    alg, claims = request["alg"], request["claims"]
    if alg in MLDSA:
        key = MLDSA[alg][0].from_seed_bytes(decode(json.loads(request["key"])["priv"]))
        head = encode(json.dumps({"alg": alg, "typ": "JWT"}).encode())
        body = encode(json.dumps(claims).encode())
        return f"{head}.{body}.{encode(key.sign(f'{head}.{body}'.encode()))}"
    if alg == "Ed25519":
        key = joserfc_jwk.OKPKey.import_key(request["key"] if request["form"] == "pem" else json.loads(request["key"]))
        return joserfc_jwt.encode({"alg": alg}, claims, key, algorithms=[alg])
    return jwt.encode(claims, key_of(request), algorithm=alg)


def verify(request):
    alg, token = request["alg"], request["token"]
    if alg in MLDSA:
        key = MLDSA[alg][1].from_public_bytes(decode(json.loads(request["key"])["pub"]))
        head, body, signature = token.split(".")
        key.verify(decode(signature), f"{head}.{body}".encode())
        assert json.loads(decode(head))["alg"] == alg
        return json.loads(decode(body))
    if alg == "Ed25519":
        key = joserfc_jwk.OKPKey.import_key(request["key"] if request["form"] == "pem" else json.loads(request["key"]))
        return joserfc_jwt.decode(token, key, algorithms=[alg]).claims
    return jwt.decode(token, key_of(request), algorithms=[alg], options={"verify_aud": False})


ISSUERS = {}


def discover(request):
    issuer = request["issuer"]
    if issuer not in ISSUERS:
        context = ssl.create_default_context(cadata=request["ca"])
        with urllib.request.urlopen(issuer + "/.well-known/openid-configuration", context=context) as response:
            metadata = json.load(response)
        assert metadata["issuer"] == issuer
        # A cooldown would outlast the activation delay of a test.
        client = jwt.PyJWKClient(metadata["jwks_uri"], ssl_context=context, cooldown_duration=0)
        ISSUERS[issuer] = client, metadata["id_token_signing_alg_values_supported"]
    client, algorithms = ISSUERS[issuer]
    key = client.get_signing_key_from_jwt(request["token"])
    return jwt.decode(
        request["token"], key, algorithms=algorithms, issuer=issuer, audience=request["audience"],
        options={"require": ["iss", "sub", "aud", "exp", "iat"]},
    )


OPERATIONS = {"verify": verify, "discover": discover}

for line in sys.stdin:
    request = json.loads(line)
    try:
        if request["op"] == "sign":
            answer = {"ok": True, "token": sign(request)}
        else:
            answer = {"ok": True, "claims": OPERATIONS[request["op"]](request)}
    except Exception as error:  # the test shows it
        answer = {"ok": False, "error": repr(error)}
    print(json.dumps(answer), flush=True)
