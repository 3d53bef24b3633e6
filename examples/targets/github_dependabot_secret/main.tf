# The key of a private package registry, made in the registry's console. Dependabot signs in with it, and workflows that people
# start install packages with it: GitHub keeps the two apart, and gives workflows that Dependabot starts its own secrets alone.

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

variable "registry_token" {
  description = "The key, for example from TF_VAR_registry_token."
  type        = string
  ephemeral   = true
}

resource "rotation_secret" "registry_token" {
  name = "REGISTRY_TOKEN"

  source = {
    provided = {
      credential_id = "registry_2026_11" # as the registry's console names it
    }
  }

  value_wo         = var.registry_token
  value_wo_version = 1

  targets = {
    dependabot = {
      github_dependabot_secret = { repository = "example-service" }
    }
    workflows = {
      github_actions_secret = { repository = "example-service" }
    }
  }
}
