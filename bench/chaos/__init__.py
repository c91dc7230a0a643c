"""`make chaos`: the load of bench/load while a seeded schedule breaks things, and the doctor's verdict afterwards."""
