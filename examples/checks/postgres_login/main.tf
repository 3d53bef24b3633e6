# The new URI must log in before anything else happens. After the revocation the server must refuse the old password, and nothing but
# SQLSTATE 28P01 proves that.

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
    host = "db.example.com"
  }
}

resource "rotation_secret" "database_url" {
  name = "DATABASE_URL"

  source = {
    postgres_password = { role = "app" }
  }

  targets = {
    parameter = {
      part          = "uri"
      ssm_parameter = { name = "/example/production/DATABASE_URL" }
    }
  }

  checks = {
    accepted = {
      postgres_login = { uri = "{{ uri }}" }
    }
    refused = {
      phase          = "revoked"
      postgres_login = { uri = "{{ uri }}", credential = "previous" }
    }
  }
}
