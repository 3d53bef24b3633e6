# The connection URI of an application's Postgres roles at Neon, rotated every 30 days and stored in SSM Parameter Store.
# Two roles with the same rights alternate, so the old URI works until every instance has read the new one. Without alternate_role there is
# one role, and every rotation ends the old password at once.
# The run authenticates with NEON_API_KEY, which must cover the project.

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

resource "rotation_secret" "database_url" {
  name = "DATABASE_URL"

  source = {
    neon_role_password = {
      project_id     = "quiet-frost-12345678"
      branch_id      = "br-example-12345678"
      role           = "app_blue"
      alternate_role = "app_green"
      database       = "app"
      pooled         = true
    }
  }

  targets = {
    parameter = {
      part          = "uri"
      ssm_parameter = { name = "/example/production/DATABASE_URL" }
    }
  }

  overlap = "24h"

  rotation {
    every = "30d"
  }

  revoke {
    mode = "automatic"
  }
}
