# A random key in one service at Render. A person who can read the service's variables can read it there.

terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "example-production" # the key comes from RENDER_API_KEY
}

resource "rotation_secret" "session_key" {
  name   = "SESSION_KEY"
  source = { random = { bytes = 32, encoding = "base64url" } }

  targets = {
    api = {
      render_env_variable = { service_id = "srv-example" }
    }
  }

  activations = {
    deploy = {
      render_deploy = { service_id = "srv-example" }
    }
  }

  rotation {
    every = "90d"
  }
}
