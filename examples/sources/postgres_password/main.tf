# The connection URI of an application's PostgreSQL roles, rotated every 30 days and stored in SSM Parameter Store.
# Two roles with the same rights alternate, so the old URI works until every instance has read the new one. Without alternate_role there is
# one role, and every rotation ends the old password at once.
# The run connects as PGUSER with PGPASSWORD: a superuser, or a role that may change both.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production"

  postgres {
    host        = "db.example.com"
    sslmode     = "verify-full"
    sslrootcert = "system"
  }
}

resource "rotation_secret" "database_url" {
  name = "DATABASE_URL"

  source = {
    postgres_password = {
      role           = "app_blue"
      alternate_role = "app_green"
      database       = "app"
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
