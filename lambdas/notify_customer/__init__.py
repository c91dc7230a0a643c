"""The Lambda notify_customer: order events turned into e-mails and text messages."""
