"""The holder of a private key, with libsodium: says its public key, takes a sealed box (both Base64), says what is in it as JSON."""

import base64
import json
import sys

from nacl.public import PrivateKey, SealedBox

private_key = PrivateKey.generate()
print(base64.b64encode(private_key.public_key.encode()).decode(), flush=True)
sealed = base64.b64decode(sys.stdin.readline())
print(json.dumps(SealedBox(private_key).decrypt(sealed).decode()))
