"""The shell: watch, observe, decide, act, record. No release policy lives here."""
