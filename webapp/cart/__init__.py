"""The cart: what a shopper means to buy, kept in PostgreSQL under an unguessable id in a signed cookie."""
