# A deploy token of a Fly app in an environment group of Render. Only a deploy loads a changed variable, so the activation deploys every service
# that is linked to the group, and the old token is revoked after all of those deploys are live.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production" # the keys come from FLY_ACCESS_TOKEN and RENDER_API_KEY
}

resource "rotation_secret" "fly_token" {
  name   = "FLY_API_TOKEN"
  source = { fly_token = { app = "example-app", expires_in = "2400h" } }

  targets = {
    services = {
      render_env_group_variable = { env_group_id = "evg-example" }
      impact                    = "deployments from the dashboard fail"
    }
  }

  activations = {
    deploy = {
      render_deploy = { env_group_id = "evg-example" }
      timeout       = "20m"
    }
  }

  rotation {
    every = "30d"
  }
}
