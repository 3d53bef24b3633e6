# A key that a system of your own keeps: its CLI reads the value from standard input. The provider block must name each program. `read`
# prints the entry, or anything else that changes with it, and shows drift.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace  = "example-production"
  allow_exec = ["/usr/local/bin/example-secrets"]
}

resource "rotation_secret" "session_key" {
  name   = "SESSION_KEY"
  source = { random = { bytes = 32, encoding = "hex" } }

  targets = {
    vault = {
      exec = {
        command            = ["/usr/local/bin/example-secrets", "put", "SESSION_KEY"]
        refused_exit_codes = [3]
        read               = { command = ["/usr/local/bin/example-secrets", "version", "SESSION_KEY"] }
        remove             = { command = ["/usr/local/bin/example-secrets", "delete", "SESSION_KEY"] }
      }
    }
  }

  rotation {
    every = "90d"
  }
}
