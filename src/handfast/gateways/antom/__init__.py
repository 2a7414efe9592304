"""Antom's protocol (AMS): JSON over POST under /ams, signed in headers both ways."""
