# The credentials of the run need, on arn:aws:ssm:eu-west-1:<account>:parameter/molecule/production/*:
#   ssm:PutParameter, ssm:GetParameter, ssm:DeleteParameter, and with tags ssm:AddTagsToResource;
#   on "*": ssm:DescribeParameters; on a customer managed key: kms:Encrypt, kms:Decrypt.

provider "rotation" {
  namespace = "molecule-production"

  aws {
    region = "eu-west-1"
  }
}

# Wave 1 is the escrow: if a later delivery fails, the next apply goes on with the value it finds here.
resource "rotation_secret" "encryption_key" {
  name   = "SECRETS_ENCRYPTION_KEY"
  source = { random = { bytes = 32, encoding = "base64" } }

  targets = {
    runtime = {
      wave = 1
      ssm_parameter = {
        name        = "/molecule/production/SECRETS_ENCRYPTION_KEY"
        type        = "SecureString"
        key_id      = "alias/molecule-production"
        description = "Encrypts the secrets of tenants"
        tags        = { team = "control-plane" }
      }
    }
  }
}
