# A token of a service of your own, which names, lists and revokes tokens, rotated every 30 days and stored in SSM Parameter Store.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

variable "admin_token" {
  type      = string
  sensitive = true
  ephemeral = true
}

provider "rotation" {
  namespace = "example-production"

  connection "service" {
    http {
      base_url = "https://service.example.com/api"
      headers  = { Authorization = "Bearer ${var.admin_token}" }
    }
  }
}

resource "rotation_secret" "service_token" {
  name    = "SERVICE_TOKEN"
  overlap = "24h"

  source = {
    connection = "service"
    http = {
      mint = {
        url   = "/api-keys"
        body  = jsonencode({ name = "{{ label }}", permission = "full_access" })
        id    = "/id"
        value = "/token"
      }
      list = {
        url        = "/api-keys"
        items      = "/data"
        id         = "/id"
        name       = "/name"
        created_at = "/created_at"
      }
      revoke = { url = "/api-keys/{{ id }}" }
    }
  }

  targets = {
    parameter = { ssm_parameter = { name = "/example/production/SERVICE_TOKEN" } }
  }

  rotation {
    every = "30d"
  }
}
