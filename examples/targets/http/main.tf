# An API key as a global secret of a platform of your own. The platform restarts its workspaces by itself, which takes a few minutes.

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

variable "anthropic_api_key" {
  type      = string
  sensitive = true
  ephemeral = true
}

provider "rotation" {
  namespace = "example-production"

  connection "platform" {
    http {
      base_url = "https://platform.example.com"
      headers  = { Authorization = "Bearer ${var.admin_token}" }
    }
  }
}

resource "rotation_secret" "anthropic_api_key" {
  name             = "ANTHROPIC_API_KEY"
  source           = { provided = {} }
  value_wo         = var.anthropic_api_key
  value_wo_version = 1

  targets = {
    platform = {
      connection = "platform"
      settle     = "10m"
      http = {
        urls        = ["/settings/secrets"]
        body        = jsonencode({ key = "ANTHROPIC_API_KEY", value = "{{ value | json }}" })
        read        = { name = "/key", time = "/updated_at" }
        shadowed_by = { urls = ["/workspaces/6f1c1f5e-0000-4000-8000-000000000001/secrets"], name = "/key", where = { "/scope" = "workspace" } }
        remove      = { urls = ["/settings/secrets/ANTHROPIC_API_KEY"] }
      }
    }
  }
}
