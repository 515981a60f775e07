"""How an outcome goes with ratings: the columns, their moments and what each explains; drivers, importance and penalty share it."""
