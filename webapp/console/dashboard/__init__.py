"""The shop at a glance: orders, revenue, stages, queues."""
