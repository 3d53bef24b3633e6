# A token with a literal prefix, an exact length, and a checksum that lets scanners recognise it.

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

resource "rotation_secret" "deploy_key" {
  name = "DEPLOY_KEY"

  source = {
    random = {
      length   = 32
      charset  = "alphanumeric"
      prefix   = "sk_deploy_"
      checksum = true
    }
  }

  targets = {
    runtime = {
      ssm_parameter = { name = "/example/production/DEPLOY_KEY" }
    }
  }

  rotation {
    every = "90d"
    early = "7d"
  }
}
