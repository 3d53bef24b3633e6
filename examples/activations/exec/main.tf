# A program on the machine that runs Terraform deploys the service. The provider block must name the program.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace  = "example-production"
  allow_exec = ["/usr/local/bin/deploy"]

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
    deploy = {
      timeout = "10m"
      exec = {
        command     = ["/usr/local/bin/deploy", "--env", "production"]
        environment = { PATH = "/usr/bin:/bin" }
      }
    }
  }
}
