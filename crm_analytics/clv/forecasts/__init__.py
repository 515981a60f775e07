"""What a fitted model says of customers: how many purchases, when the next, who is still there, what if."""
