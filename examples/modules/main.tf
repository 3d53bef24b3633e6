# The same module for two environments. Each state has its own namespace; here, two aliases represent two states.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  alias     = "staging"
  namespace = "molecule-staging"
}

provider "rotation" {
  alias     = "production"
  namespace = "molecule-production"
}

locals {
  secrets = {
    RUNNER_TOKEN         = { fly_apps = ["runner"] }
    SESSION_SECRET       = { every = "180d" }
    WEBHOOK_SIGNING_SALT = { bytes = 16 }
  }
}

module "staging" {
  source      = "./secret_map"
  providers   = { rotation = rotation.staging }
  application = "molecule"
  environment = "staging"
  secrets     = local.secrets
}

module "production" {
  source      = "./secret_map"
  providers   = { rotation = rotation.production }
  application = "molecule"
  environment = "production"
  secrets     = local.secrets
}
