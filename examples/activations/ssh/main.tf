# The server reads its secrets from SSM when it is deployed. So a deployment follows the delivery, and the old key is kept until it has
# succeeded. The value itself never goes to the server by this way.

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
        command       = "/opt/example/bin/secrets.sh && /opt/example/bin/deploy.sh"
      }
    }
  }
}
