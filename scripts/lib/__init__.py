"""What the commands of scripts/ and scripts/maintain/ are made of."""
