"""The shopper's account: registration, sign-in, sessions, orders, address book, preferences and personal data."""
