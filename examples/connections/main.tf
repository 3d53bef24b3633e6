# One secret in two AWS accounts and with two GitHub owners, and a check that authenticates with another service's token. A named connection
# takes nothing from the environment. The token of the status page is ephemeral, so Terraform stores it nowhere.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

variable "partner_github_token" {
  type      = string
  sensitive = true
}

variable "status_token" {
  type      = string
  ephemeral = true
}

provider "rotation" {
  namespace = "example-production"

  aws {
    region = "eu-west-1"
  }

  github {
    owner = "example-org"
  }

  connection "partner" {
    aws {
      region = "eu-central-1"
      assume_role {
        role_arn = "arn:aws:iam::222222222222:role/rotation"
      }
    }
  }

  connection "partner_code" {
    github {
      token = var.partner_github_token
      owner = "partner-org"
    }
  }

  connection "status" {
    http {
      base_url = "https://status.example.com/api"
      headers  = { Authorization = "Bearer ${var.status_token}" }
    }
  }
}

resource "rotation_secret" "webhook_secret" {
  name = "WEBHOOK_SECRET"

  source = {
    random = {
      bytes    = 32
      encoding = "hex"
    }
  }

  targets = {
    ours = {
      ssm_parameter = { name = "/example/WEBHOOK_SECRET" }
    }
    theirs = {
      connection    = "partner"
      ssm_parameter = { name = "/example/WEBHOOK_SECRET" }
    }
    our_workflows = {
      wave                  = 2
      github_actions_secret = { repository = "webhooks" }
    }
    their_workflows = {
      wave                  = 2
      connection            = "partner_code"
      github_actions_secret = { repository = "webhooks" }
    }
  }

  checks = {
    still_up = {
      connection = "status"
      http       = { url = "/components/webhooks", expect_json = jsonencode({ status = "operational" }) }
    }
  }
}
