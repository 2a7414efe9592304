"""`python -m handfast_verify`: see the command line."""

from handfast_verify.cli import verify

if __name__ == "__main__":
    verify(prog_name="handfast_verify")
