"""The staff: accounts, sign-in, sessions, invitations and the audit of what they did."""
