"""The shop's illustrations: one style, drawn from parametric shapes."""
