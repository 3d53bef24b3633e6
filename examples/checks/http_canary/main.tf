# A Neon key for a control plane. The check has it create a test organization, sees that the organization works, and deletes it.

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

  connection "control_plane" {
    http {
      base_url = "https://control-plane.example.com"
      headers  = { Authorization = "Bearer ${var.admin_token}" }
    }
  }
}

resource "rotation_secret" "neon_api_key" {
  name   = "NEON_API_KEY"
  source = { neon_api_key = {} }

  targets = {
    control_plane = { fly_secret = { app = "example-control-plane" } }
  }

  checks = {
    provisioning = {
      connection = "control_plane"
      effects    = true
      retry_for  = "5m"
      http_canary = {
        create  = { url = "/cp/orgs", body = jsonencode({ slug = "{{ name }}", name = "Rotation test" }) }
        inspect = { url = "/cp/orgs/{{ name }}", expect_json = jsonencode({ status = "running" }) }
        delete  = { url = "/cp/orgs/{{ name }}" }
      }
    }
  }
}
