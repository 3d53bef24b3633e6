# A random signing key in the Actions secrets of a repository, and in those of one of its environments. Workflows that start
# after the rotation get the new value; runs that are waiting or running already keep the old one.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production"

  github {
    owner = "example-org" # the token comes from GITHUB_TOKEN
  }
}

resource "rotation_secret" "signing_key" {
  name = "SIGNING_KEY"

  source = {
    random = {
      bytes    = 32
      encoding = "base64"
    }
  }

  targets = {
    repository = {
      github_actions_secret = { repository = "example-service" }
    }
    production = {
      wave                  = 2
      github_actions_secret = { repository = "example-service", environment = "production", name = "DEPLOY_SIGNING_KEY" }
    }
  }
}
