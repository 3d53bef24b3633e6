# A deploy token of a Fly app in production and previews of a Vercel project. Deployments keep the variables that they were made with, so the
# activation deploys production once more, and `overlap` leaves previews the old token for a week.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production"

  vercel {
    team_id = "team_example" # the token comes from VERCEL_API_TOKEN
  }
}

resource "rotation_secret" "fly_token" {
  name   = "FLY_API_TOKEN"
  source = { fly_token = { app = "example-app", expires_in = "2400h" } }

  targets = {
    canvas = {
      vercel_env = {
        project_id = "prj_example"
        target     = ["production", "preview"]
      }
    }
  }

  activations = {
    redeploy = {
      vercel_redeploy = { project_id = "prj_example" }
    }
  }

  checks = {
    deployed = {
      vercel_deployment = {
        project_id = "prj_example"
        variable   = "FLY_API_TOKEN"
      }
    }
  }

  overlap = "168h"

  rotation {
    every = "30d"
  }
}
