terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}

provider "rotation" {
  namespace = "molecule-production"

  # Each connection is optional, and each argument falls back on the environment variable of its ecosystem.
  github {
    owner = "molecule-ai"
  }

  aws {
    region = "eu-west-1"
  }
}
