"""The change-set deployer: orders the stacks by their imports, uploads artefacts by content, shows a plan, applies it."""
