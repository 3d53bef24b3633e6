terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "molecule-production"
}

resource "rotation_secret" "fly_api_token" {
  name = "FLY_API_TOKEN"

  info = {
    purpose = "Lets the control plane and the image pipeline deploy"
    owner   = "platform"
    impact  = "Anyone who has it can deploy molecule-cp"
  }

  source = { fly_token = { app = "molecule-cp", expires_in = "2400h" } }

  targets = {
    runtime       = { wave = 1, ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
    control_plane = { wave = 1, fly_secret = { app = "molecule-cp" } }
    image_publish = { wave = 2, github_actions_secret = { repository = "molecule-ai/molecule-monorepo" } }
  }

  checks = {
    control_plane_up = {
      wave = 1
      http = { url = "https://molecule-cp.fly.dev/health", expect_json = jsonencode({ status = "ok" }) }
    }
    image_published = {
      github_workflow = { repository = "molecule-ai/molecule-monorepo", workflow = "publish-platform-image.yml" }
    }
  }

  rotation {
    every = "60d"
    early = "7d"
  }

  overlap = "24h"
}
