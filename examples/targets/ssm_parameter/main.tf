# An encryption key in AWS Parameter Store. The parameter can be read back, so a rotation that is interrupted
# resumes with the value that it finds here, as long as this target is in the first wave.
#
# The credentials of the run need, on arn:aws:ssm:eu-west-1:<account>:parameter/example/production/*:
#   ssm:PutParameter, ssm:GetParameter, ssm:DeleteParameter, and for tags ssm:AddTagsToResource;
#   on "*": ssm:DescribeParameters; sts:GetCallerIdentity, which every run calls, needs no permission;
#   for a check with credential = "previous" also ssm:GetParameterHistory on the parameter;
#   on a customer managed key: kms:Encrypt, kms:Decrypt, and for the Advanced tier kms:GenerateDataKey.

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

resource "rotation_secret" "encryption_key" {
  name = "SECRETS_ENCRYPTION_KEY"

  source = {
    random = {
      bytes    = 32
      encoding = "base64"
    }
  }

  targets = {
    runtime = {
      ssm_parameter = {
        name        = "/example/production/SECRETS_ENCRYPTION_KEY"
        key_id      = "alias/example-production"
        description = "Encrypts the secrets of tenants"
        tags        = { team = "control-plane" }
      }
    }
  }
}
