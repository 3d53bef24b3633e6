# A key that signs JSON Web Tokens. The private half goes to the service that signs; the public half and its kid are outputs,
# for the service that publishes the key set. Keep the old public key in that set until the last token that it verifies has expired.

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

  targets = {
    issuer = {
      part          = "private_jwk"
      ssm_parameter = { name = "/example/production/JWT_SIGNING_KEY" }
    }
  }

  rotation {
    every = "180d"
  }
}

output "jwk" {
  value = jsondecode(rotation_secret.jwt_signing_key.public["public_jwk"])
}

output "kid" {
  value = rotation_secret.jwt_signing_key.public["kid"]
}
