# A random key in the dotenv file of a service on this machine. The rest of the file stays as it is.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace  = "example-production"
  allow_exec = ["/usr/bin/systemctl"]
}

resource "rotation_secret" "session_key" {
  name   = "SESSION_KEY"
  source = { random = { bytes = 32, encoding = "base64url" } }

  targets = {
    service = {
      file = {
        path = "/srv/example/.env"
        mode = "0640"
      }
    }
  }

  activations = {
    restart = {
      exec = { command = ["/usr/bin/systemctl", "restart", "example"] }
    }
  }

  rotation {
    every = "90d"
  }
}
