# A deploy token of a Fly app in one service at Railway. Writing the variable deploys nothing: the activation redeploys the service, and the old token
# is revoked after that deployment has succeeded.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production" # the tokens come from FLY_ACCESS_TOKEN and RAILWAY_API_TOKEN
}

locals {
  project     = "8f0a3c1e-7d52-4e0b-9a64-000000000001"
  environment = "8f0a3c1e-7d52-4e0b-9a64-000000000002"
  service     = "8f0a3c1e-7d52-4e0b-9a64-000000000003"
}

resource "rotation_secret" "fly_token" {
  name   = "FLY_API_TOKEN"
  source = { fly_token = { app = "example-app", expires_in = "2400h" } }

  targets = {
    api = {
      railway_variable = {
        project_id     = local.project
        environment_id = local.environment
        service_id     = local.service
      }
    }
  }

  activations = {
    redeploy = {
      railway_redeploy = {
        environment_id = local.environment
        service_id     = local.service
      }
    }
  }

  rotation {
    every = "30d"
  }
}
