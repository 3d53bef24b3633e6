# One redeployment of a Railway service for two secrets: equal activations of secrets that are applied together share a run.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production" # the token comes from RAILWAY_API_TOKEN
}

locals {
  environment = "8f0a3c1e-7d52-4e0b-9a64-000000000002"
  service     = "8f0a3c1e-7d52-4e0b-9a64-000000000003"
}

resource "rotation_secret" "each" {
  for_each = toset(["SESSION_KEY", "WEBHOOK_KEY"])

  name   = each.key
  source = { random = { bytes = 32, encoding = "hex" } }

  targets = {
    api = {
      railway_variable = {
        project_id     = "8f0a3c1e-7d52-4e0b-9a64-000000000001"
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
}
