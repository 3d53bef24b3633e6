# Publishing a value in SSM changes nothing until the service is deployed. The workflow does that, and the old token is revoked only after
# it has succeeded. Secrets that name the same workflow and are applied together share one run.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production"

  github {
    owner = "example-org" # the token comes from GITHUB_TOKEN; it needs "Actions: write"
  }
}

resource "rotation_secret" "fly_api_token" {
  name   = "FLY_API_TOKEN"
  source = { fly_token = { app = "example-service" } }

  targets = {
    runtime = { wave = 1, ssm_parameter = { name = "/example/production/FLY_API_TOKEN" } }
  }

  activations = {
    redeploy = {
      wave    = 1
      timeout = "20m"
      github_workflow = {
        repository = "example-service"
        workflow   = "deploy.yml"
      }
    }
  }
}
