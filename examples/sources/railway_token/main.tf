# A token of one environment of a Railway project, with which workflows of a repository deploy.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production" # the token of an account or workspace comes from RAILWAY_API_TOKEN

  github {
    owner = "example-org"
  }
}

resource "rotation_secret" "railway_token" {
  name = "RAILWAY_TOKEN"

  source = {
    railway_token = {
      project_id     = "8f0a3c1e-7d52-4e0b-9a64-000000000001"
      environment_id = "8f0a3c1e-7d52-4e0b-9a64-000000000002"
    }
  }

  targets = {
    deploy = {
      github_actions_secret = { repository = "example-service" }
    }
  }

  overlap = "24h"

  rotation {
    every = "60d"
  }
}
