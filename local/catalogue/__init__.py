"""The demo shop's goods: products, categories and collections as CSV, and the program that draws their pictures."""
