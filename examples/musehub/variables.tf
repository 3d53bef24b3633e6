variable "environment" {
  description = "production or staging."
  type        = string
  default     = "production"
}

variable "server" {
  description = "Where and how to log in. host_key is the server's public key; identity_file is the absolute path of the private key to log in with."
  type = object({
    host          = string
    port          = optional(number, 22)
    user          = string
    host_key      = string
    identity_file = string
  })
}

variable "folder" {
  description = "MuseHub's folder on the server."
  type        = string
  default     = "/opt/musehub"
}

variable "local_url" {
  description = "MuseHub as its own server reaches it."
  type        = string
  default     = "https://localhost:1337"
}

variable "url" {
  description = "MuseHub as the machine that runs Terraform reaches it."
  type        = string
}

variable "runner_token_reason" {
  description = "A new text rotates RUNNER_TOKEN now."
  type        = string
  default     = null
}

variable "webhook_secret_key_reason" {
  description = "A new text rotates WEBHOOK_SECRET_KEY, once it is confirmed."
  type        = string
  default     = null
}

variable "webhook_secret_key_confirm" {
  description = "The line that the plan of such a rotation prints."
  type        = string
  default     = null
}

variable "r2_token" {
  description = "access_key_id and secret_access_key of the R2 token. Needed when value_wo_version is raised."
  type        = map(string)
  ephemeral   = true
  default     = null
}

variable "r2_token_version" {
  description = "Raise it with every new R2 token."
  type        = number
  default     = 1
}
