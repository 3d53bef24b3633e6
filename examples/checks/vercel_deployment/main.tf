# Somebody else deploys this project. The check waits up to an hour for a production deployment that was made after the variable changed.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production" # the token comes from VERCEL_API_TOKEN, the team from VERCEL_TEAM_ID
}

resource "rotation_secret" "session_key" {
  name   = "SESSION_KEY"
  source = { random = { bytes = 32, encoding = "base64url" } }

  targets = {
    canvas = {
      vercel_env = {
        project_id = "prj_example"
        target     = ["production"]
      }
    }
  }

  checks = {
    deployed = {
      retry_for = "1h"
      vercel_deployment = {
        project_id = "prj_example"
        variable   = "SESSION_KEY"
      }
    }
  }
}
