"""The whole of AWS as templates, one file per layer, and the deployer that applies them."""
