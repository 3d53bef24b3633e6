# A random key in production of a Vercel project. The redeployment takes the source of the newest production deployment.

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

  activations = {
    redeploy = {
      timeout         = "20m"
      vercel_redeploy = { project_id = "prj_example" }
    }
  }
}
