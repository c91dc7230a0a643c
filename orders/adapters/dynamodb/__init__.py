"""DynamoDB: the truth of stock (table inventory) and the projection that shoppers watch (table tracking)."""
