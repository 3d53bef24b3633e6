# A program on the machine that runs Terraform proves the new password: it reads it from standard input. The provider block must name the
# program, and `effects = true` confirms that it may change something.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace  = "example-production"
  allow_exec = ["/usr/local/bin/verify-login"]

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

  checks = {
    login = {
      effects = true
      timeout = "30s"
      exec = {
        command     = ["/usr/local/bin/verify-login", "--env", "production"]
        environment = { PATH = "/usr/bin:/bin" }
        directory   = "/srv/example"
        input       = "{{ value }}"
      }
    }
  }
}
