# The connection URI of an application's Postgres roles at Neon, renewed every 30 days and kept in SSM Parameter Store.
# Two roles with the same rights take turns, so that the old URI works until every instance has read the new one. Leave out
# alternate_role for one role: then the old password stops working at once with every rotation.
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
