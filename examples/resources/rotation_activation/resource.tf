# Two secrets are published, then one workflow deploys what uses them. The plan shows one run, however many secrets it rotates.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "molecule-production"

  github {
    owner = "molecule-ai" # the token comes from GITHUB_TOKEN; it needs "Actions: write"
  }
}

resource "rotation_secret" "jwt" {
  name   = "JWT_KEY"
  source = { random = { bytes = 32, encoding = "hex" } }

  targets = {
    runtime = { ssm_parameter = { name = "/molecule/production/JWT_KEY" } }
  }

  rotation {
    every = "90d"
  }
}

resource "rotation_secret" "fly_api_token" {
  name   = "FLY_API_TOKEN"
  source = { fly_token = { app = "molecule-cp" } }

  targets = {
    runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
  }

  # A secret does not wait for a rotation_activation before it revokes, so the overlap has to last until the deployment has succeeded.
  overlap = "3d"
}

resource "rotation_activation" "deploy" {
  triggers = {
    jwt           = rotation_secret.jwt.generation
    fly_api_token = rotation_secret.fly_api_token.generation
  }

  run = {
    timeout = "20m"
    github_workflow = {
      repository = "molecule-monorepo"
      workflow   = "publish-platform-image.yml"
    }
  }
}
