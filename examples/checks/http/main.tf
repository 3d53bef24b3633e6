# Once the new token is live, the service must be healthy, accept the token, and refuse a request without one. A 404 instead of the 401 would
# mean that the route is not mounted.

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

resource "rotation_secret" "admin_token" {
  name = "ADMIN_TOKEN"

  source = {
    random = {
      length  = 48
      charset = "alphanumeric"
    }
  }

  targets = {
    service = {
      fly_secret = { app = "example-service" }
    }
  }

  checks = {
    healthy = {
      http = {
        url         = "https://example-service.fly.dev/health"
        expect_json = jsonencode({ status = "ok" })
      }
    }
    accepted = {
      retry_for = "2m"
      http = {
        url     = "https://example-service.fly.dev/admin/whoami"
        headers = { Authorization = "Bearer {{ value }}" }
      }
    }
    protected = {
      http = {
        url           = "https://example-service.fly.dev/admin/whoami"
        headers       = { Authorization = "Bearer {{ value }}" }
        credential    = "none"
        expect_status = [401]
      }
    }
  }
}
