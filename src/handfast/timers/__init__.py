"""What happens on Handfast's own clock."""
