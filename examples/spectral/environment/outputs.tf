output "needs_attention" {
  description = "The notices of each secret that has any."
  value = {
    for secret in concat(
      values(rotation_secret.provider_key),
      values(rotation_secret.ci_token),
      [rotation_secret.supabase_keys, rotation_secret.database_url],
    ) : secret.name => secret.notices[*].code if length(secret.notices) > 0
  }
}
