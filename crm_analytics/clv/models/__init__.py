"""The models of customers who buy now and then, or by contract: what each assumes, how it is fitted, and which to take."""
