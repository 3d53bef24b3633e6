# A random session key for two Fly apps: the first gets it at once, machine by machine; the second with its next deployment.
# The old value stays in use there until then, and every plan warns that the new one is staged.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production"
}

resource "rotation_secret" "session_key" {
  name = "SESSION_KEY"

  source = {
    random = {
      bytes    = 32
      encoding = "base64"
    }
  }

  targets = {
    web = {
      fly_secret = { app = "example-web" }
    }
    worker = {
      wave       = 2
      fly_secret = { app = "example-worker", name = "WEB_SESSION_KEY", stage = true }
    }
  }
}
