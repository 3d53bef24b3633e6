# A key in a file of a server, which is replaced as a whole. The service is restarted after the write; the host must present the pinned key.

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
}

resource "rotation_secret" "webhook_key" {
  name   = "WEBHOOK_SECRET_KEY"
  source = { fernet_key = {} }

  targets = {
    server = {
      ssh = {
        host          = "app.example.com"
        user          = "deploy"
        host_key      = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
        identity_file = "/home/ci/.ssh/example"
        command       = "umask 077 && cat >/srv/example/webhook.key.new && mv /srv/example/webhook.key.new /srv/example/webhook.key"
        read          = { command = "cat /srv/example/webhook.key 2>/dev/null || true" }
        remove        = { command = "rm -f /srv/example/webhook.key" }
      }
    }
  }

  activations = {
    restart = {
      ssh = {
        host          = "app.example.com"
        user          = "deploy"
        host_key      = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
        identity_file = "/home/ci/.ssh/example"
        command       = "sudo systemctl restart example"
      }
    }
  }
}
