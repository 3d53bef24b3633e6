# A command on the server proves that its service accepts the new key, which it reads from standard input. The provider block must name the
# host, and the host must present the pinned key.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace  = "example-production"
  allow_exec = ["app.example.com"]

  aws {
    region = "eu-west-1"
  }
}

resource "rotation_secret" "webhook_key" {
  name = "WEBHOOK_SECRET_KEY"

  source = {
    fernet_key = {}
  }

  targets = {
    runtime = {
      ssm_parameter = { name = "/example/production/WEBHOOK_SECRET_KEY" }
    }
  }

  checks = {
    accepted = {
      effects = true
      timeout = "1m"
      ssh = {
        host          = "app.example.com"
        user          = "deploy"
        host_key      = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
        identity_file = "/home/ci/.ssh/example"
        command       = "/opt/example/bin/verify-webhook-key"
        input         = "{{ value }}"
      }
    }
  }
}
