# A deploy hook. Its token stands in a connection, which never reaches the state.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

variable "deploy_token" {
  type      = string
  sensitive = true
  ephemeral = true
}

provider "rotation" {
  namespace = "example-production"

  connection "deploys" {
    http {
      base_url = "https://deploys.example.com"
      headers  = { Authorization = "Bearer ${var.deploy_token}" }
    }
  }
}

resource "rotation_secret" "session_key" {
  name = "SESSION_KEY"

  source = {
    random = {
      bytes    = 32
      encoding = "base64"
    }
  }

  targets = {
    runtime = { ssm_parameter = { name = "/example/production/SESSION_KEY" } }
  }

  activations = {
    deploy = {
      connection = "deploys"
      http = {
        url           = "/services/example/deploys"
        method        = "POST"
        expect_status = [200, 201, 202]
      }
    }
  }
}
