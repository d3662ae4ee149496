"""Tools of the repository itself: cluster bring-up, code generation, release."""
