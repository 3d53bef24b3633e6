# By the name that the resource block has. The first apply takes over what exists, and writes nothing.
terraform import rotation_secret.fly_api_token FLY_API_TOKEN
