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

variable "database" {
  description = "MuseHub's database as the machine that runs Terraform reaches it, such as a tunnel: ssh -N -L 5432:localhost:5432 SERVER. A superuser, or a role with CREATEROLE, changes the password of the role musehub; it cannot change its own."
  type = object({
    host  = optional(string, "localhost")
    port  = optional(number, 5432)
    name  = optional(string, "musehub")
    admin = optional(string, "postgres")
  })
  default = {}
}

variable "database_password" {
  description = "Of database.admin."
  type        = string
  ephemeral   = true
}

variable "db_password_reason" {
  description = "A new text rotates DB_PASSWORD now."
  type        = string
  default     = null
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
