"""The shop's warehouses in the console: their list, their names, and where the pieces of orders lie."""
