# A program on the machine that runs Terraform makes the service load the new password. The provider block must name the program.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace  = "example-production"
  allow_exec = ["/usr/local/bin/reload-service"]

  aws {
    region = "eu-west-1"
  }
}

resource "rotation_secret" "app_password" {
  name = "APP_PASSWORD"

  source = {
    random = {
      bytes    = 32
      encoding = "hex"
    }
  }

  targets = {
    runtime = {
      ssm_parameter = { name = "/example/production/APP_PASSWORD" }
    }
  }

  activations = {
    reload = {
      timeout = "2m"
      exec = {
        command = ["/usr/local/bin/reload-service", "example"]
      }
    }
  }
}
