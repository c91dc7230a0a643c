"""In-memory twins of the adapters: product code that passes the same contract tests as the real ones."""
