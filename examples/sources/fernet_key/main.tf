# A Fernet key. It has no schedule: everything signed with the old key becomes invalid, so it is rotated only on request.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production"

  aws {
    region = "eu-west-1"
  }
}

variable "rotation_reason" {
  description = "A new text rotates the key, and is recorded as the reason."
  type        = string
  default     = null
}

resource "rotation_secret" "webhook_key" {
  name   = "WEBHOOK_SECRET_KEY"
  source = { fernet_key = {} }

  targets = {
    runtime = {
      ssm_parameter = { name = "/example/production/WEBHOOK_SECRET_KEY" }
    }
  }

  rotation_reason = var.rotation_reason
}
