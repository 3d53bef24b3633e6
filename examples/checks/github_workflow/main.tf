# Only workflows can use this secret, so a workflow checks it: it is started after the delivery and must succeed. It needs the trigger
# workflow_dispatch on the branch.

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
    owner = "example-org" # the token comes from GITHUB_TOKEN; it needs "Secrets: write" and "Actions: write"
  }
}

resource "rotation_secret" "publish_key" {
  name = "PUBLISH_KEY"

  source = {
    random = {
      bytes    = 32
      encoding = "hex"
    }
  }

  targets = {
    repository = {
      github_actions_secret = { repository = "example-service" }
    }
  }

  checks = {
    published = {
      timeout = "20m"
      github_workflow = {
        repository = "example-service"
        workflow   = "publish.yml"
        inputs     = { dry_run = "true" }
      }
    }
  }
}
