terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "demo"
}

variable "rotation_reason" {
  type    = string
  default = null
}

resource "rotation_secret" "fly_api_token" {
  name   = "FLY_API_TOKEN"
  source = { fly_token = { app = "molecule-cp", expires_in = "2400h" } }

  targets = {
    runtime       = { wave = 1, ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    control_plane = { wave = 1, fly_secret = { app = "molecule-cp" } }
    image_publish = { wave = 2, github_actions_secret = { repository = "molecule-monorepo" } }
  }

  checks = {
    image_published = { github_workflow = { repository = "molecule-monorepo", workflow = "publish-platform-image.yml" } }
  }

  rotation {
    every = "60d"
  }

  overlap         = "24h"
  rotation_reason = var.rotation_reason
}
