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

variable "rotate_now" {
  type    = string
  default = null
}

resource "rotation_secret" "fly_api_token" {
  name   = "FLY_API_TOKEN"
  source = { fly_token = { app = "molecule-cp", expires_in = "2400h" } }

  targets = {
    control_plane = { wave = 1, fly_secret = { app = "molecule-cp" } }
    image_publish = { wave = 2, github_actions_secret = { repository = "molecule-monorepo" } }
    runtime       = { wave = 2, ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
  }

  checks = {
    image_published = { github_workflow = { repository = "molecule-monorepo", workflow = "publish-platform-image.yml" } }
  }

  rotation {
    every = "60d"
  }

  overlap    = "24h"
  rotate_now = var.rotate_now
}
