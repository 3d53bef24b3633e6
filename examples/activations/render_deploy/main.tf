# One deploy of a Render service for two secrets: equal activations of secrets that are applied together share a run. `deploy_mode` is set, because
# this service reads its variables when it is built.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production" # the key comes from RENDER_API_KEY
}

locals {
  deploy = {
    render_deploy = {
      service_id  = "srv-example"
      deploy_mode = "build_and_deploy"
    }
  }
}

resource "rotation_secret" "each" {
  for_each = toset(["SESSION_KEY", "WEBHOOK_KEY"])

  name        = each.key
  source      = { random = { bytes = 32, encoding = "hex" } }
  targets     = { site = { render_env_variable = { service_id = "srv-example" } } }
  activations = { deploy = local.deploy }
}
