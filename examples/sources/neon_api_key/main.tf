# An organization's Neon API key for one project, rotated every 90 days and stored in SSM Parameter Store.
# The run authenticates with NEON_API_KEY, which must be a personal key of an administrator of the organization.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production"
}

resource "rotation_secret" "neon_api_key" {
  name = "NEON_API_KEY"

  source = {
    neon_api_key = {
      organization_id = "org-example-12345678"
      project_id      = "quiet-frost-12345678"
    }
  }

  targets = {
    parameter = {
      ssm_parameter = { name = "/example/production/NEON_API_KEY" }
    }
  }

  overlap = "24h"

  rotation {
    every = "90d"
  }

  revoke {
    mode = "automatic"
  }
}
