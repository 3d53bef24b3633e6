# A key that signs JSON Web Tokens. Verifiers load the set of valid public keys, which has a new key five minutes before the service that
# signs gets it, and an old one until the last token that it signed has expired.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production"

  aws {
    region = "eu-west-1"
  }
}

resource "rotation_secret" "jwt_signing_key" {
  name = "JWT_SIGNING_KEY"

  source = {
    key_pair = {
      algorithm = "ecdsa_p256"
    }
  }

  overlap = "24h"

  targets = {
    verifiers = {
      part          = "jwks"
      lead          = "5m"
      ssm_parameter = { name = "/example/production/JWKS" }
    }
    signer = {
      wave          = 2
      part          = "private_jwk"
      ssm_parameter = { name = "/example/production/JWT_SIGNING_KEY" }
    }
  }

  rotation {
    every = "180d"
  }
}

output "jwks" {
  value = jsondecode(rotation_secret.jwt_signing_key.public["jwks"])
}

output "kid" {
  value = rotation_secret.jwt_signing_key.public["kid"]
}
