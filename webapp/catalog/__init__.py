"""The catalogue: categories, products and variants, how they get in, and how shoppers find them."""
