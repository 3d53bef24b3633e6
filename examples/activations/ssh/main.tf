# One server reads its secrets from Parameter Store when it is deployed: after the write it is deployed again, over SSH, and then its page must
# answer. The provider block must name the host, and the host must present the pinned key.

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

  activations = {
    deploy = {
      timeout = "10m"
      ssh = {
        host          = "app.example.com"
        user          = "deploy"
        host_key      = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
        identity_file = "/home/ci/.ssh/example"
        command       = "cd /opt/example && bash deploy/secrets.sh && bash deploy/deploy.sh"
      }
    }
  }

  checks = {
    up = {
      http = { url = "https://app.example.com/health" }
    }
  }
}
