"""What a stage costs: its own templates and parameters, list prices noted on one day, and the work of one order."""
